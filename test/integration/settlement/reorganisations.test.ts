import { cpSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestWallet } from '../../support/anvil.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe.each(['theirs', 'ours'] as const)('reorganisations on %s contracts', (contracts) => {
  let market: Market

  beforeAll(async () => {
    market = await openMarket(contracts)
  })

  afterAll(() => market.stop())

  const mine = (blocks: number) => market.anvil.rpc.send('anvil_mine', [`0x${blocks.toString(16)}`])
  const reorganise = (depth: number) => market.anvil.rpc.send('anvil_reorg', [depth, []])

  const notFinal = async (): Promise<unknown[]> => [
    ...(await market.ledger.settlements.recent()),
    ...(await market.ledger.batches.unfinished()),
  ]

  async function expectExact(user: TestWallet, neuron: bigint): Promise<void> {
    expect(market.ledger.totals(user.address as `0x${string}`)).toMatchObject({
      charged: neuron,
      paid: neuron,
    })
    expect(await paidOnChain(market, user)).toBe(neuron)
    expect(await market.ledger.settlements.open()).toEqual([])
  }

  it('deeper than the confirmations: the payment is found gone, and made again', async () => {
    const alice = await newUser(market, 1)
    await market.charge(alice, 100n)
    await mine(2)
    const settler = market.settler()
    const { payments } = await settler.settleNow()
    await reorganise(1)
    expect(await paidOnChain(market, alice)).toBe(0n)
    const again = await settler.settleNow()
    expect(again.payments).toMatchObject([{ paid: 100n }])
    if (contracts === 'theirs') expect(again.payments[0]!.nonce).toBe(payments[0]!.nonce)
    await expectExact(alice, 100n)
  })

  it('after later charges: what was paid, taken back and charged since adds up', async () => {
    const bob = await newUser(market, 2)
    const settler = market.settler()
    await mine(2)
    await market.charge(bob, 10n)
    await settler.settleNow()
    await market.charge(bob, 20n)
    await settler.settleNow()
    await market.charge(bob, 30n)
    await reorganise(2)
    expect(await paidOnChain(market, bob)).toBe(0n)
    for (let round = 0; round < 3; round++) await settler.settleNow()
    await expectExact(bob, 60n)
  })

  it('before a transaction on its way: the missing one is replaced, and both payments are made', async () => {
    const erin = await newUser(market, 5)
    const frank = await newUser(market, 6)
    const settler = market.settler({ bumpAfterMs: 200, receiptTimeoutMs: 60_000 })
    await mine(2)
    await market.charge(erin, 100n)
    await settler.settleNow()
    await market.anvil.rpc.send('evm_setAutomine', [false])
    await market.charge(frank, 100n)
    const running = settler.settleNow()
    const pending = () => market.anvil.rpc.getTransactionCount(market.provider, 'pending')
    const mined = await market.anvil.rpc.getTransactionCount(market.provider)
    await expect.poll(pending).toBe(mined + 1)
    await reorganise(1)
    await market.anvil.rpc.send('evm_setAutomine', [true])
    await running
    await settler.settleNow()
    await expectExact(erin, 100n)
    await expectExact(frank, 100n)
  })

  it('are not looked for for ever: a deep payment is final, also after a restart', async () => {
    const carol = await newUser(market, 3)
    await market.charge(carol, 100n)
    const settler = market.settler()
    await settler.settleNow()
    expect(await notFinal()).not.toEqual([])
    await mine(70)
    await settler.settleNow()
    expect(await notFinal()).toEqual([])
    await market.restart()
    expect(await notFinal()).toEqual([])
    await expectExact(carol, 100n)
  })

  it('or an old copy of the ledger: nobody pays twice for what the chain has taken', async () => {
    const dave = await newUser(market, 4)
    await market.charge(dave, 100n)
    await market.ledger.close()
    const copy = `${market.folder}-copy`
    cpSync(market.folder, copy, { recursive: true })
    await market.restart()
    await market.settler().settleNow()
    await market.charge(dave, 11n)
    await market.settler().settleNow()
    expect(await paidOnChain(market, dave)).toBe(111n)
    await market.ledger.close()
    rmSync(market.folder, { recursive: true })
    cpSync(copy, market.folder, { recursive: true })
    rmSync(copy, { recursive: true })
    await market.restart()
    await market.charge(dave, 5n)
    await market.settler().settleNow()
    // The old copy knows of 105; the chain took 111: nothing more is asked for, and the counter goes on from there.
    expect(await paidOnChain(market, dave)).toBe(111n)
    await market.charge(dave, 7n)
    await market.settler().settleNow()
    expect(await paidOnChain(market, dave)).toBe(118n)
  })
})
