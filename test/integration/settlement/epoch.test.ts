import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { readEpoch } from '../../../src/chain/batches.ts'
import { inferenceContract } from '../../../src/chain/inference.ts'
import { RpcProvider } from '../../../src/chain/rpc.ts'
import { EPOCH_NUMBERS, epochOfNumber } from '../../../src/protocol/batch.ts'
import { Deadline } from '../../../src/provider/settlement/deadline.ts'
import { type EnterEpochOptions, enterEpoch } from '../../../src/provider/settlement/enterEpoch.ts'
import { assertCurrentEpoch, firstSeqNow } from '../../../src/provider/settlement/epoch.ts'
import { raiseEpoch } from '../../../src/provider/settlement/raiseEpoch.ts'
import { startFaultyRpc } from '../../support/faultyRpc.ts'
import { TEST_SIGNER } from '../../support/ledger.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe('a ledger on contracts without epochs', () => {
  let market: Market

  beforeAll(async () => {
    market = await openMarket('theirs')
  })

  afterAll(() => market.stop())

  const start = (newEpoch: boolean) =>
    assertCurrentEpoch({
      ledger: market.ledger,
      rpc: market.anvil.rpc,
      contract: market.world.inference,
      provider: market.provider,
      newEpoch,
      log: silentLogger,
    })

  it('go on while the ledger knows everything that the chain took', async () => {
    const alice = await newUser(market, 1)
    await start(false)
    await market.charge(alice, 100n)
    await market.settler().settleNow()
    await start(false)
  })

  it('end with the ledger: a start without it is refused, and goes on from the chain when told to', async () => {
    const alice = market.anvil.wallets[1]!
    await market.ledger.close()
    rmSync(market.folder, { recursive: true })
    await market.restart()
    await expect(start(false)).rejects.toMatchObject({
      code: 'ledger_behind_chain',
      details: { users: 1 },
      next: '0g-compute provider serve --new-epoch',
    })
    await start(true)
    await start(false)
    expect(market.ledger.totals(alice.address as `0x${string}`)).toMatchObject({ charged: 100n, paid: 100n })
    await market.charge(alice, 7n)
    const [receipt] = await market.ledger.receipts(alice.address as `0x${string}`, 0, 10)
    expect(receipt!.receipt.cumulative).toBe(107n)
    await market.settler().settleNow()
    expect(await paidOnChain(market, alice)).toBe(107n)
  })

  it('never give out a number again, whatever became of the ledger', async () => {
    const before = await firstSeqNow(market.anvil.rpc)
    const block = await market.anvil.rpc.getBlock('latest')
    await market.anvil.rpc.send('evm_setNextBlockTimestamp', [block!.timestamp + 5])
    await market.anvil.rpc.send('evm_mine', [])
    expect(await firstSeqNow(market.anvil.rpc, 0)).toBeGreaterThan(before)
    expect(await firstSeqNow(market.anvil.rpc)).toBeLessThan(2 ** 48)
  })
})

describe('an epoch on chain', () => {
  let market: Market

  beforeAll(async () => {
    market = await openMarket('ours')
  })

  afterAll(() => market.stop())

  const enter = (options: Partial<EnterEpochOptions> = {}) =>
    enterEpoch({
      ledger: market.ledger,
      rpc: market.anvil.rpc,
      contract: market.world.inference,
      operator: market.operator,
      provider: market.provider,
      chainId: 31337,
      signer: TEST_SIGNER,
      confirmations: 1,
      pollMs: 20,
      newEpoch: false,
      log: silentLogger,
      ...options,
    })
  const rpc = (method: string, ...params: unknown[]) => market.anvil.rpc.send(method, params)
  const within = (ms: number) => new Deadline(Date.now() + ms)
  const onChain = () => readEpoch(market.world.inference, market.provider)

  it('is waited for: nothing begins before it is mined, and deep enough', async () => {
    await rpc('evm_setAutomine', false)
    // Long enough to be sent.
    await expect(enter({ deadline: within(2000) })).rejects.toMatchObject({ code: 'epoch_not_open' })
    await rpc('evm_setAutomine', true)
    await rpc('evm_mine')
    expect(await onChain()).toBe(1)
    await expect(enter({ deadline: within(300), confirmations: 9 })).rejects.toMatchObject({
      code: 'epoch_not_open',
    })
    await rpc('anvil_mine', '0x9')
    await enter({ confirmations: 9 })
    expect(await onChain()).toBe(1)
  })

  it('that a reorganisation took back is opened again, by the next start or the next settlement', async () => {
    await rpc('anvil_mine', '0x9')
    await enter({ newEpoch: true })
    expect(await onChain()).toBe(2)
    await rpc('anvil_reorg', 1, [])
    expect(await onChain()).toBe(1)
    const user = await newUser(market, 1)
    await market.charge(user, 100n)
    expect((await market.settler().settleNow()).paid).toBe(100n)
    expect(await onChain()).toBe(2)
    await rpc('anvil_mine', '0x9')
    await enter()
    expect(await onChain()).toBe(2)
  })

  it('has numbers for the time in which nobody took one: a snapshot of the machine repeats none', async () => {
    const before = await market.ledger.numbers.last()
    await rpc('evm_increaseTime', 3600)
    await rpc('evm_mine')
    await enter()
    expect((await market.ledger.numbers.last()) - before).toBeGreaterThan(3500 * 32)
    expect(epochOfNumber(await market.ledger.numbers.last())).toBe(2)
  })

  it('ends when its numbers do', async () => {
    await market.ledger.numbers.skipTo(3 * EPOCH_NUMBERS - 1000)
    await enter()
    expect(await onChain()).toBe(3)
    expect(await market.ledger.numbers.last()).toBeGreaterThanOrEqual(3 * EPOCH_NUMBERS)
  })

  it('that another replica opened since it was looked at is open, for this one too', async () => {
    const [block, epoch] = [await market.anvil.rpc.getBlockNumber(), (await onChain()) + 1]
    const faulty = await startFaultyRpc(market.anvil.url)
    const lagging = new RpcProvider({ ...market.world.network, rpcUrls: [faulty.url] })
    const raise = (provider: RpcProvider) =>
      raiseEpoch({
        ...{ epoch, provider: market.provider, log: silentLogger },
        operator: market.operator.connect(provider),
        contract: inferenceContract(market.world.network.inference, provider),
        ...{ confirmations: 1, pollMs: 20, bumpAfterMs: 20_000, deadline: new Deadline(Date.now() + 20_000) },
      })
    await raise(market.anvil.rpc)
    let looks = 0
    faulty.rewrite = (call) =>
      call.method === 'eth_call' && ++looks === 1
        ? { ...call, params: [call.params[0], `0x${block.toString(16)}`] }
        : call
    await raise(lagging)
    expect(looks).toBeGreaterThan(0)
    expect(await onChain()).toBe(epoch)
    lagging.destroy()
    await faulty.stop()
  })
})
