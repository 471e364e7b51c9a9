import { Contract, type Signer } from 'ethers'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../../src/base/log.ts'
import { fineTuningContract } from '../../../../src/chain/fineTuning.ts'
import { DeployedChain } from '../../../../src/provider/finetune/chain/deployedChain.ts'
import { EscrowChain } from '../../../../src/provider/finetune/chain/escrowChain.ts'
import { TaskSender } from '../../../../src/provider/finetune/chain/taskSender.ts'
import type { Task } from '../../../../src/provider/finetune/task.ts'
import { wrappedKeyOf } from '../../../../src/provider/finetune/worker/seal.ts'

const ADDRESS = `0x${'11'.repeat(20)}` as const
const ORDER = `0x${'22'.repeat(32)}` as const

describe('transactions of tasks', () => {
  it('that meet another of the same account are worth another look', async () => {
    for (const code of ['NONCE_EXPIRED', 'REPLACEMENT_UNDERPRICED']) {
      const signer = {
        getAddress: async () => ADDRESS,
        estimateGas: async () => Promise.reject(Object.assign(new Error(code), { code })),
        provider: { getFeeData: async () => ({ maxFeePerGas: 1n }) },
      } as unknown as Signer
      const sender = new TaskSender(fineTuningContract(ADDRESS, signer), signer, silentLogger)
      await expect(sender.send('give a fee back', 'refundTask', [ORDER])).rejects.toMatchObject({
        code: 'nonce_taken',
        retryable: true,
      })
    }
  })
})

describe('a task in escrow', () => {
  it('that ended without a log of how is asked about again', async () => {
    const { interface: abi } = new Contract(ADDRESS, fineTuningContract(ADDRESS, null as never).interface)
    const contract = {
      target: ADDRESS,
      interface: abi,
      runner: { provider: { getLogs: async () => [] } },
      getFunction: () => ({ staticCall: async () => ({ state: 4n }) }),
    } as unknown as Contract
    const chain = new EscrowChain({ contract } as never)
    await expect(chain.standing({ order: ORDER, fromBlock: 0 } as Task)).rejects.toMatchObject({
      code: 'ending_unknown',
      retryable: true,
    })
  })
})

describe('a task by the deployed rules', () => {
  it('B21: that the chain says nothing of is not settled, with or without the penalty', async () => {
    const staticCall = async () => Promise.reject(Object.assign(new Error('timeout'), { code: 'TIMEOUT' }))
    const contract = { getFunction: () => ({ staticCall }) } as unknown as Contract
    const chain = new DeployedChain({ contract, provider: ADDRESS, ackSeconds: 60 } as never)
    await expect(chain.standing({ user: ADDRESS, id: 'a' } as unknown as Task)).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
  })
})

describe('the key of a task', () => {
  it('that was destroyed is gone', () => {
    expect(wrappedKeyOf({ wrappedKey: 'ab' } as Task)).toBe('ab')
    expect(() => wrappedKeyOf({ wrappedKey: null } as Task)).toThrow(
      expect.objectContaining({ code: 'task_key_destroyed', status: 410 }),
    )
  })
})
