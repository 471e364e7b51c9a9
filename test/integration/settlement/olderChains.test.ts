import { afterEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { hexToBytes } from '../../../src/base/hex.ts'
import { hasCancun } from '../../../src/chain/builds.ts'
import { deployNetwork } from '../../../src/chain/deploy.ts'
import { inferenceContract } from '../../../src/chain/inference.ts'
import { ledgerContract } from '../../../src/chain/ledger.ts'
import { encodeBatchRows, signBatch } from '../../../src/protocol/batch.ts'
import { type Anvil, startAnvil, type TestWallet } from '../../support/anvil.ts'

const STAKE = 10n ** 20n
const LOCK_SECONDS = 10

let anvil: Anvil | undefined
afterEach(() => anvil?.stop())

describe('a network of one’s own', () => {
  it.each(['paris', 'shanghai'])('runs on a chain with the rules of %s', async (hardfork) => {
    anvil = await startAnvil({ hardfork })
    expect(await hasCancun(anvil.rpc)).toBe(false)
    expect(await wholeHistory(anvil)).toEqual({ settled: 600n, left: 400n })
  })

  it('uses transient storage where there is any', async () => {
    anvil = await startAnvil()
    expect(await hasCancun(anvil.rpc)).toBe(true)
    expect(await wholeHistory(anvil)).toEqual({ settled: 600n, left: 400n })
  })
})

/** Onboards with 1,000 neuron, settles 600 of them by a batch, twice, and leaves. */
async function wholeHistory(chain: Anvil): Promise<{ settled: bigint; left: bigint }> {
  const [deployer, provider, user, enclave] = chain.wallets.slice(0, 4) as [
    TestWallet,
    TestWallet,
    TestWallet,
    TestWallet,
  ]
  const network = await deployNetwork(deployer, {
    lockTimeSeconds: LOCK_SECONDS,
    minProviderStake: STAKE,
  })
  const inference = inferenceContract(network.inference, chain.rpc)
  const ledger = ledgerContract(network.ledger, chain.rpc)
  const send = async (from: TestWallet, contract: typeof ledger, method: string, ...args: unknown[]) => {
    const call = contract.connect(from).getFunction(method)
    return (await call.send(...args)).wait()
  }

  const service = {
    serviceType: 'chatbot',
    url: 'https://provider.example',
    model: 'demo',
    verifiability: 'TeeML',
    inputPrice: 1n,
    outputPrice: 1n,
    additionalInfo: '{}',
    teeSignerAddress: enclave.address,
  }
  await send(provider, inference, 'addOrUpdateService', service, { value: STAKE })
  await send(user, ledger, 'onboard', inference.target, provider.address, enclave.address, 1000n, {
    value: 1000n,
  })

  const rows = [{ user: user.address as Address, cumulative: 600n }]
  const asOf = (await chain.rpc.getBlock('latest'))!.timestamp
  const batch = { provider: provider.address as Address, upTo: 1, asOf, rows }
  const signature = signBatch(hexToBytes(enclave.privateKey), chain.chainId, network.inference, batch)
  const packed = encodeBatchRows(rows)
  await send(deployer, inference, 'settleBatch', batch.provider, 1, asOf, packed, signature)
  await send(deployer, inference, 'settleBatch', batch.provider, 1, asOf, packed, signature)
  const settled = 1000n - (await inference.getFunction('spendableOf')(user.address, provider.address))

  await send(user, ledger, 'leave')
  await chain.rpc.send('evm_increaseTime', [LOCK_SECONDS + 1])
  const before = await chain.rpc.getBalance(user.address)
  const receipt = await send(user, ledger, 'leave')
  return { settled, left: (await chain.rpc.getBalance(user.address)) - before + (receipt?.fee ?? 0n) }
}
