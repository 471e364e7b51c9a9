import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { findFineTuningAccount } from '../../src/chain/fineTuning.ts'
import { findLedger } from '../../src/chain/ledger.ts'
import { readEscrowEnding, readEscrowTask } from '../../src/chain/taskEscrow.ts'
import type { FineTuning } from '../../src/client/finetune/fineTuning.ts'
import type { LocalTask } from '../../src/client/finetune/localTask.ts'
import { APPROVE, clientAt, codeOf, newFolder, smallTask, withDownloads } from './clientAt.ts'
import { hasTrainer } from './provider/taskClient.ts'
import { startTuner, type Tuner } from './provider/tuner.ts'

/** How a task can end other than with a model: each leaves the money where it says. */
describe.skipIf(!hasTrainer)('client: ends of a task', { timeout: 240_000 }, () => {
  const folder = newFolder()
  let tuner: Tuner
  let finetune: FineTuning

  beforeAll(async () => {
    tuner = await startTuner()
    finetune = (await clientAt(tuner.world, folder)).finetune
  }, 120_000)
  afterAll(() => tuner?.stop())

  const wealth = () => wealthOf(tuner)
  let created = 0
  /** Each an order of its own, with a folder of its own. */
  const create = (change: Parameters<typeof smallTask>[1] = {}) => {
    const number = ++created
    const own = { seed: number, output: join(folder, `model-${number}`) }
    return finetune.create(smallTask(folder, { ...own, ...change }), APPROVE)
  }
  const ending = (task: LocalTask) => endingOf(tuner, task)

  it('rejected by the user: the stated penalty, the rest back, and no key', async () => {
    const before = await wealth()
    const task = await create()
    await tuner.client.until(task.taskId!, ['Delivered'])
    expect(await codeOf(finetune.cancel(task, {}))).toBe('task_not_approved')
    const asked: bigint[] = []
    const result = await finetune.cancel(task, {
      approvePenalty: (penalty) => {
        asked.push(penalty)
        return true
      },
    })
    const penalty = (BigInt(task.maxFee) * 30n) / 100n
    expect(asked).toEqual([penalty])
    expect(result).toEqual({ how: 'rejected', paid: penalty, returned: BigInt(task.maxFee) - penalty })
    expect(before - (await wealth())).toBe(penalty)
    expect(await codeOf(finetune.finish(task.key))).toBe('task_rejected')
    expect(await ending(task)).toMatchObject({ end: 'Rejected', encryptedKey: null })
  })

  it('not answered in time: accepted by silence, paid, and the model can still be had', async () => {
    const before = await wealth()
    const task = await create({ acknowledgeWithinSeconds: 1 })
    await tuner.client.until(task.taskId!, ['Finished'])
    expect(await ending(task)).toMatchObject({ end: 'Paid' })
    expect(await codeOf(finetune.cancel(task, { approvePenalty: () => true }))).toBe('task_not_cancellable')
    expect(await finetune.finish(task.key)).toMatchObject({ decrypted: true })
    expect(before - (await wealth())).toBe(BigInt(task.maxFee))
  })

  it('failed in training: all of it comes back at the deadline', async () => {
    const before = await wealth()
    const config = { model_type: 'no-such-architecture', hidden_size: 8, num_hidden_layers: 1 }
    const task = await create({ model: null, scratch: { config, vocabulary: 300 }, trainWithinSeconds: 120 })
    expect(await codeOf(finetune.finish(task.key))).toBe('training_failed')
    await tuner.world.anvil.rpc.send('evm_increaseTime', [121])
    await tuner.world.anvil.rpc.send('evm_mine', [])
    // Or the provider gives it back: before that, or while it is on its way.
    const ended = await codeOf(finetune.cancel(task, {}))
    expect(['none', 'task_not_cancellable']).toContain(ended)
    await expect.poll(wealth).toBe(before)
    expect(await ending(task)).toMatchObject({ end: 'NotDelivered', paid: 0n })
  })

  it('key not published in time: all of it comes back', async () => {
    const before = await wealth()
    const task = await create({ acknowledgeWithinSeconds: 60, revealWithinSeconds: 1 })
    await tuner.client.until(task.taskId!, ['Delivered'])
    const stopping = withDownloads(async function* (body) {
      yield* body
      await tuner.broker.stop({ graceMs: 0 })
    })
    const { rpc } = tuner.world.anvil
    const passTime = async () => {
      const { state } = await readEscrowTask(tuner.client.contract, task.order!)
      if (state === 'Accepted') await rpc.send('evm_increaseTime', [62])
      await rpc.send('evm_mine', [])
    }
    const mining = setInterval(() => void passTime(), 1000)
    const client = (await clientAt(tuner.world, folder, stopping)).finetune
    expect(await codeOf(client.finish(task.key))).toBe('task_key_not_published')
    clearInterval(mining)
    expect(await ending(task)).toMatchObject({ end: 'NotRevealed', paid: 0n, encryptedKey: null })
    expect(await wealth()).toBe(before)
  })
})

describe.skipIf(!hasTrainer)('client: a provider that goes away', { timeout: 240_000 }, () => {
  const REJECT_SECONDS = 3600
  const folder = newFolder()
  let tuner: Tuner
  let delivered: LocalTask | undefined

  beforeAll(async () => {
    tuner = await startTuner()
  }, 120_000)
  afterAll(() => tuner?.stop())

  it('nothing delivered in time: all of it comes back, also when the provider is gone', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    // For the next test, which needs a delivery that nobody answers or collects.
    const patient = { seed: 7, acknowledgeWithinSeconds: REJECT_SECONDS, revealWithinSeconds: 86_400 }
    delivered = await finetune.create(smallTask(folder, patient), APPROVE)
    await tuner.client.until(delivered.taskId!, ['Delivered'])
    const before = await wealthOf(tuner)
    const longest = { trainWithinSeconds: 60, parameters: { num_train_epochs: 1000 } }
    const task = await finetune.create(smallTask(folder, longest), APPROVE)
    await tuner.client.until(task.taskId!, ['Training'])
    await tuner.broker.stop({ graceMs: 0 })
    await tuner.world.anvil.rpc.send('evm_increaseTime', [61])
    const escrow = () => readEscrowTask(tuner.client.contract, task.order!)
    while ((await escrow()).state === 'Open') {
      await tuner.world.anvil.rpc.send('evm_mine', [])
      const how = await codeOf(finetune.finish(task.key, { signal: AbortSignal.timeout(5000) }))
      if (how === 'task_not_delivered') break
      await sleep(500)
    }
    expect(await endingOf(tuner, task)).toMatchObject({
      end: 'NotDelivered',
      paid: 0n,
      returned: BigInt(task.maxFee),
    })
    expect(await wealthOf(tuner)).toBe(before)
    expect((await finetune.find(task.key)).ended?.code).toBe('task_not_delivered')
  })

  it('a delivery cannot be rejected when the time for it is over, though nobody collected the fee', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    const { rpc } = tuner.world.anvil
    const escrow = () => readEscrowTask(tuner.client.contract, delivered!.order!)
    expect((await escrow()).state).toBe('Delivered')
    expect(await codeOf(finetune.cancel(delivered!, {}))).toBe('task_not_approved')
    await rpc.send('evm_increaseTime', [REJECT_SECONDS + 1])
    await rpc.send('evm_mine', [])
    expect(await codeOf(finetune.cancel(delivered!, { approvePenalty: () => true }))).toBe('reject_too_late')
    expect((await escrow()).state).toBe('Delivered')
  })
})

/** Sub-account and ledger together: what is the user's. */
async function wealthOf({ client, world }: Tuner): Promise<bigint> {
  const [account, ledger] = await Promise.all([
    findFineTuningAccount(client.contract, client.address, world.provider.address as Address),
    findLedger(world.ledger, client.address),
  ])
  return account!.balance + ledger!.available
}

const endingOf = ({ client }: Tuner, task: LocalTask) =>
  readEscrowEnding(client.contract, task.order!, task.fromBlock)
