import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { type Market, newUser, openMarket, paidOnChain } from '../integration/settlement/market.ts'
import type { TestWallet } from '../support/anvil.ts'
import { deliveredOf, exchangeOf, ledgerKeys, totalsOf } from '../support/ledger.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

let postgres: Postgres
let market: Market
let one: Ledger
let two: Ledger

beforeAll(async () => {
  postgres = await startPostgres()
  market = await openMarket('ours')
  const owner = { chainId: 31337, contract: market.world.network.inference, provider: market.provider }
  const options = { ...ledgerKeys(owner), database: await postgres.create('settling') }
  one = await openLedger(options)
  two = await openLedger(options)
})

afterAll(async () => {
  await one?.close()
  await two?.close()
  await market?.stop()
  await postgres?.stop()
})

const charge = (ledger: Ledger, user: TestWallet, neuron: bigint) =>
  ledger.charge(
    exchangeOf(user.address as Address, { prices: { input: neuron } }),
    deliveredOf(0, 1),
    'complete',
  )

async function expectPaidOnce(user: TestWallet, neuron: bigint): Promise<void> {
  for (const ledger of [one, two]) {
    const totals = await totalsOf(ledger, user.address as Address)
    expect(totals).toMatchObject({ charged: neuron, paid: neuron })
  }
  expect(await paidOnChain(market, user)).toBe(neuron)
  expect(await one.settlements.open()).toEqual([])
}

/** A ledger whose lock was lost unnoticed: everybody has the turn. */
const withoutLock = (ledger: Ledger): Ledger =>
  new Proxy(ledger, {
    get(target, name) {
      if (name === 'takeTurn') return async () => ({ end: async () => {} })
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

describe('settling on two replicas', () => {
  it('is done by one of them at a time, for what all of them charged', async () => {
    const alice = await newUser(market, 1)
    await charge(one, alice, 100n)
    await charge(two, alice, 11n)
    const settlers = [one, two].map((ledger) => market.settler({ ledger }))
    const reports = await Promise.all(settlers.map((settler) => settler.settleNow()))
    expect(reports.reduce((sum, { paid }) => sum + paid, 0n)).toBe(111n)
    expect(reports.map(({ problem }) => problem)).toEqual([null, null])
    await expectPaidOnce(alice, 111n)
  })

  it('pays once also when both settle at the same time', { timeout: 240_000 }, async () => {
    const bob = await newUser(market, 2)
    for (let round = 1; round <= 6; round++) {
      await charge(one, bob, 10n)
      await charge(two, bob, 10n)
      const settlers = [one, two].map((ledger) =>
        market.settler({ ledger: withoutLock(ledger), receiptTimeoutMs: 500 }),
      )
      await Promise.all(settlers.map((settler) => settler.settleNow()))
      await market.settler({ ledger: one }).settleNow()
      await expectPaidOnce(bob, 20n * BigInt(round))
    }
  })

  it('goes on where a reorganisation took a payment back', async () => {
    const carol = await newUser(market, 3)
    await market.anvil.rpc.send('anvil_mine', ['0x2'])
    await charge(one, carol, 100n)
    await market.settler({ ledger: one }).settleNow()
    await market.anvil.rpc.send('anvil_reorg', [1, []])
    await market.settler({ ledger: two }).settleNow()
    await expectPaidOnce(carol, 100n)
  })
})
