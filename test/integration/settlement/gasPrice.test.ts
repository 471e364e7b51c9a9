import { Transaction } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe('a settlement that is stuck', () => {
  let market: Market
  let rpc: FaultyRpc

  beforeAll(async () => {
    market = await openMarket('ours')
    rpc = await startFaultyRpc(market.anvil.url)
  })

  afterAll(async () => {
    await rpc.stop()
    await market.stop()
  })

  const mining = (isOn: boolean) => market.anvil.rpc.send('evm_setAutomine', [isOn])
  const sent = () => [...new Set(rpc.sent)].map((raw) => Transaction.from(raw))

  it('is sent again for more gas, with the same nonce and entries, and paid once', async () => {
    const alice = await newUser(market, 1)
    await market.charge(alice, 100n)
    await mining(false)
    const running = market
      .settler({ rpcUrl: rpc.url, bumpAfterMs: 150, receiptTimeoutMs: 60_000 })
      .settleNow()
    await expect.poll(() => sent().length).toBeGreaterThan(2)
    await mining(true)
    await market.anvil.rpc.send('evm_mine', [])
    expect((await running).paid).toBe(100n)
    const [first, ...dearer] = sent()
    for (const transaction of dearer) {
      expect(transaction).toMatchObject({ nonce: first!.nonce, data: first!.data })
      expect(transaction.maxFeePerGas! * 100n).toBeGreaterThan(first!.maxFeePerGas! * 110n)
    }
    expect(await paidOnChain(market, alice)).toBe(100n)
  })

  it('is taken up by the next process, for more gas too', async () => {
    const bob = await newUser(market, 2)
    await market.charge(bob, 100n)
    await mining(false)
    const cut = await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
    expect(cut.waiting).toMatchObject([{ reason: 'outcome_unknown' }])
    await market.restart()
    const before = sent().length
    const running = market
      .settler({ rpcUrl: rpc.url, bumpAfterMs: 150, receiptTimeoutMs: 60_000 })
      .settleNow()
    await expect.poll(() => sent().length).toBeGreaterThan(before)
    const [stuck, dearer] = sent().slice(before - 1)
    expect(dearer).toMatchObject({ nonce: stuck!.nonce, data: stuck!.data })
    await mining(true)
    await market.anvil.rpc.send('evm_mine', [])
    expect((await running).paid).toBe(100n)
    expect(await paidOnChain(market, bob)).toBe(100n)
  })

  it('does not hold up a broker that stops', async () => {
    const carol = await newUser(market, 3)
    await market.charge(carol, 100n)
    await mining(false)
    const settler = market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 60_000, intervalMs: 3_600_000 })
    settler.start()
    const before = sent().length
    await expect.poll(() => sent().length).toBeGreaterThan(before)
    const startedAt = Date.now()
    await settler.stop(500)
    expect(Date.now() - startedAt).toBeLessThan(20_000)
    await mining(true)
    await market.anvil.rpc.send('evm_mine', [])
    await market.settler().settleNow()
    expect(await paidOnChain(market, carol)).toBe(100n)
  })
})
