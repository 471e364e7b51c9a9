import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { startFaultyRpc } from '../../support/faultyRpc.ts'
import { type Market, newUser, openMarket, paidOnChain } from '../settlement/market.ts'

const ONE = 10n ** 18n
let market: Market

beforeEach(async () => {
  market = await openMarket('theirs')
})

afterEach(() => market?.stop())

/** Section 6.2 of the specification of the network's present broker, its settlement; on the deployed contracts. */
describe('weaknesses of the present settlement', () => {
  it('B5: what an account cannot pay in full is paid in part, under a signature that the chain takes', async () => {
    const user = await newUser(market, 3, '1')
    await market.charge(user, 3n * ONE)
    const report = await market.settler().settleNow()
    expect(report).toMatchObject({ paid: ONE, problem: null })
    expect(await paidOnChain(market, user)).toBe(ONE)
    expect(market.ledger.totals(user.address as Address)).toMatchObject({ charged: 3n * ONE, paid: ONE })
  })

  it('B6: settlements of one user in the same second have growing nonces, and all are taken', async () => {
    const user = await newUser(market, 3, '1')
    const settler = market.settler()
    const startedAt = Date.now()
    for (let i = 0; i < 4; i++) {
      await market.charge(user, 1000n)
      expect(await settler.settleNow()).toMatchObject({ paid: 1000n, problem: null })
    }
    expect(Date.now() - startedAt).toBeLessThan(25_000)
    expect(await paidOnChain(market, user)).toBe(4000n)
  })

  it('B7: while the chain names no signer for the provider every charge stays owed', async () => {
    const user = await newUser(market, 3, '1')
    await market.charge(user, 1000n)
    const other = { signerKey: new Uint8Array(32).fill(7), signer: `0x${'77'.repeat(20)}` as Address }
    const waiting = await market.settler({ tee: other }).settleNow()
    expect(waiting).toMatchObject({ paid: 0n, waiting: [{ reason: 'service_mismatch' }] })
    expect(market.ledger.totals(user.address as Address)).toMatchObject({ charged: 1000n, paid: 0n })
    expect(await market.settler().settleNow()).toMatchObject({ paid: 1000n })
  })

  it('B8: a chain that does not answer freezes nobody: the same settler comes back by itself, and pays', {
    timeout: 150_000,
  }, async () => {
    const user = await newUser(market, 3, '1')
    await market.charge(user, 1000n)
    const rpc = await startFaultyRpc(market.anvil.url)
    const failures: string[] = []
    const warn = (event: string) => void failures.push(event)
    const settler = market.settler({ rpcUrl: rpc.url, log: { ...silentLogger, warn } })
    try {
      rpc.decide = () => 'drop-call'
      settler.start()
      await expect.poll(() => failures, { timeout: 60_000 }).toContain('settlement_failed')
      expect(await paidOnChain(market, user)).toBe(0n)
      rpc.decide = () => 'none'
      await expect.poll(() => paidOnChain(market, user), { timeout: 60_000 }).toBe(1000n)
    } finally {
      await settler.stop()
      await rpc.stop()
    }
  })
})
