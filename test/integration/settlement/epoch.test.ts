import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { assertCurrentEpoch, firstSeqNow } from '../../../src/provider/settlement/epoch.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe.each(['theirs', 'ours'] as const)('epochs on %s contracts', (contracts) => {
  let market: Market

  beforeAll(async () => {
    market = await openMarket(contracts)
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
