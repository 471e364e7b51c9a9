import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { larger } from '../../src/base/bigint.ts'
import { silentLogger } from '../../src/base/log.ts'
import { readEpoch } from '../../src/chain/batches.ts'
import { EPOCH_NUMBERS, epochOfNumber } from '../../src/protocol/batch.ts'
import type { SignedReceipt } from '../../src/protocol/receipt.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { enterEpoch } from '../../src/provider/settlement/enterEpoch.ts'
import { type Market, openMarket } from '../integration/settlement/market.ts'
import { deliveredOf, exchangeOf, type LedgerOwner, ledgerKeys, TEST_SIGNER } from '../support/ledger.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { CLOCKS_APART_MS, expectNoConflict, replica, USERS } from './replica.ts'

let postgres: Postgres
let market: Market
let owner: LedgerOwner

beforeAll(async () => {
  postgres = await startPostgres()
  market = await openMarket('ours')
  owner = { chainId: 31337, contract: market.world.network.inference, provider: market.provider }
})

afterAll(async () => {
  await market?.stop()
  await postgres?.stop()
})

const open = (database: string): Promise<Ledger> =>
  openLedger({ ...ledgerKeys(owner), database, leaseMs: 500 })

/** As a broker that starts does. */
async function start(database: string): Promise<Ledger> {
  const ledger = await open(database)
  await enterEpoch({
    ledger,
    rpc: market.anvil.rpc,
    contract: market.world.inference.connect(market.anvil.rpc) as Contract,
    operator: market.operator,
    provider: market.provider,
    chainId: 31337,
    signer: TEST_SIGNER,
    confirmations: 1,
    pollMs: 20,
    newEpoch: false,
    log: silentLogger,
  })
  return ledger
}

const epochOnChain = () => readEpoch(market.world.inference, market.provider)

const charge = (ledger: Ledger): Promise<SignedReceipt> =>
  ledger.charge(exchangeOf(USERS[0]), deliveredOf(1), 'complete')

describe('replicas on one database', () => {
  it('open one epoch together when the database is new and the provider is not', async () => {
    const database = await postgres.create('together')
    const before = await epochOnChain()
    const replicas = await Promise.all([start(database), start(database)])
    expect(await epochOnChain()).toBe(before + 1)
    const receipts = await Promise.all(replicas.map(charge))
    expectNoConflict(receipts)
    for (const { receipt } of receipts) expect(epochOfNumber(receipt.seq)).toBe(before + 1)
    await replicas[0]!.close()
    const again = await start(database)
    expect(await epochOnChain()).toBe(before + 1)
    expectNoConflict([...receipts, await charge(again)])
    await Promise.all([again.close(), replicas[1]!.close()])
  })

  it('whose clocks differ make 1,000 charges, one is killed, an old copy starts: no two statements conflict', async () => {
    const database = await postgres.create('now')
    await (await start(database)).close()
    const early = await replica(database, { count: 50, clockMs: 0, owner })
    await postgres.disconnect('now')
    const copy = await postgres.copy('now', 'anhourago')

    const [dead, alive] = await Promise.all([
      replica(database, { count: 500, clockMs: CLOCKS_APART_MS, killAfter: 100, owner }),
      replica(database, { count: 500, clockMs: 0, owner }),
    ])
    expect(dead.length).toBeLessThan(500)
    expect(alive).toHaveLength(500)
    // What the dead one had committed and not answered is there too; nobody holds it.
    const now = await open(database)
    const written = (await Promise.all(USERS.map((user) => now.receipts(user, 0, 10_000)))).flat()
    await now.close()
    expectNoConflict(written)

    const before = await epochOnChain()
    await (await start(copy)).close()
    expect(await epochOnChain()).toBe(before + 1)
    const again = await replica(copy, { count: 500, clockMs: CLOCKS_APART_MS, owner })
    const totals = new Map(USERS.map((user) => [user as string, highest(early, user)]))
    expectNoConflict(again, totals)
    const numbers = [...written, ...again].map(({ receipt }) => receipt.seq)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(Math.min(...again.map(({ receipt }) => receipt.seq))).toBeGreaterThan((before + 1) * EPOCH_NUMBERS)
  })

  it('of which one opened an epoch for another ledger settle nothing until they start again', async () => {
    const database = await postgres.create('passed')
    const running = await start(database)
    const other = await start(await postgres.create('elsewhere'))
    await charge(running)
    const { problem } = await market.settler({ ledger: running }).settleNow()
    expect(problem).toMatchObject({ code: 'epoch_passed' })
    await running.close()
    const before = await epochOnChain()
    const again = await start(database)
    expect(await epochOnChain()).toBe(before + 1)
    await Promise.all([again.close(), other.close()])
  })
})

const highest = (receipts: readonly SignedReceipt[], user: string): bigint =>
  receipts
    .filter(({ receipt }) => receipt.user === user)
    .reduce((max, { receipt }) => larger(receipt.cumulative, max), 0n)
