import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEarnings } from '../../src/provider/earnings.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { readOwed } from '../../src/provider/readOwed.ts'
import { deliveredOf, exchangeOf, ledgerKeys, TEST_OWNER, totalsOf } from '../support/ledger.ts'
import { describeCharges } from '../support/ledgerCharges.ts'
import { describeDebts } from '../support/ledgerDebts.ts'
import { describeKeySpending } from '../support/ledgerKeySpending.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { describeTampering } from '../support/tampering.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
/** Dead after this long: a test waits for it, and a replica on a busy machine shows itself within it, ms. */
const LEASE_MS = 3000

let postgres: Postgres
let databases = 0

beforeAll(async () => {
  postgres = await startPostgres()
})

afterAll(() => postgres?.stop())

const open = (database: string, changes: Partial<Parameters<typeof openLedger>[0]> = {}) =>
  openLedger({ ...ledgerKeys(), database, ...changes })

async function postgresHome() {
  const database = await postgres.createSchema(`home${++databases}`)
  return {
    open: () => open(database),
    remove: async () => {},
    change: async (sql: string) => void (await postgres.query(database, sql)),
  }
}

describeCharges(postgresHome)
describeDebts(postgresHome)
describeTampering(postgresHome)
describeKeySpending(postgresHome)

describe('a database', () => {
  it('is refused to another owner and to another enclave', async () => {
    const database = await postgres.create('owned')
    await (await open(database)).close()
    const other = '0x0000000000000000000000000000000000000001'
    await expect(open(database, { ...TEST_OWNER, provider: other })).rejects.toMatchObject({
      code: 'ledger_foreign',
    })
    await expect(open(database, { rowKey: new Uint8Array(32) })).rejects.toMatchObject({
      code: 'ledger_key_changed',
    })
  })

  it('is read beside the broker: what was earned, and what is owed', async () => {
    const database = await postgres.create('read')
    const ledger = await open(database)
    const { receipt } = await ledger.charge(exchangeOf(ALICE), deliveredOf(5), 'complete')
    const { answers, trainings } = await readEarnings(database, receipt.issuedAt)
    expect(answers).toMatchObject([{ answers: 1, outputTokens: 5, charged: receipt.fee }])
    expect(trainings).toEqual([])
    expect(await readEarnings(database, receipt.issuedAt + 1)).toMatchObject({ answers: [] })
    expect(await readOwed(database)).toEqual({ total: receipt.fee, users: 1, most: receipt.fee })
    await ledger.close()
  })

  it("is not served from when the host changed the provider's counter", async () => {
    const database = await postgres.create('counted')
    const ledger = await open(database)
    await ledger.charge(exchangeOf(ALICE), deliveredOf(1), 'complete')
    await postgres.query(database, 'UPDATE counters SET last_seq = 0')
    await expect(ledger.charge(exchangeOf(ALICE), deliveredOf(1), 'complete')).rejects.toMatchObject({
      code: 'ledger_row_tampered',
    })
    await ledger.close()
  })

  it('that forgets what it had committed is not charged from any more', async () => {
    const url = await postgres.create('wentback')
    const ledger = await open(url)
    const charge = () => ledger.charge(exchangeOf(ALICE), deliveredOf(5), 'complete')
    await charge()
    const [row] = await postgres.query(url, 'SELECT last_seq, mac FROM counters')
    await charge()
    await postgres.query(url, `UPDATE counters SET last_seq = ${row!.last_seq}, mac = '${row!.mac}'`)
    await expect(charge()).rejects.toMatchObject({ code: 'ledger_went_back' })
    await ledger.close()
  })

  it('whose server starts again loses nothing, and nothing is charged twice', async () => {
    const database = await postgres.create('restarted')
    const ledger = await open(database)
    const charges = Array.from({ length: 200 }, (_, n) =>
      ledger.charge(exchangeOf(ALICE), deliveredOf(n), 'complete'),
    )
    for (let round = 0; round < 3; round++) await postgres.disconnect('restarted')
    const signed = await Promise.all(charges)
    expect(new Set(signed.map(({ receipt }) => receipt.seq)).size).toBe(200)
    const fees = signed.reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    expect((await totalsOf(ledger, ALICE)).charged).toBe(fees)
    await ledger.close()
  })
})

describe('replicas', () => {
  it('give out one sequence of numbers and one counter for a user', async () => {
    const database = await postgres.create('shared')
    const ledgers = await Promise.all([open(database), open(database), open(database)])
    const signed = await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        ledgers[n % 3]!.charge(exchangeOf(ALICE), deliveredOf(n % 7), 'complete'),
      ),
    )
    const inOrder = signed.map(({ receipt }) => receipt).sort((a, b) => a.seq - b.seq)
    expect(inOrder.map(({ seq }) => seq)).toEqual(inOrder.map((_, index) => index + 1))
    let cumulative = 0n
    for (const receipt of inOrder) {
      cumulative += receipt.fee
      expect(receipt.cumulative).toBe(cumulative)
    }
    for (const ledger of ledgers) expect((await totalsOf(ledger, ALICE)).charged).toBe(cumulative)
    await Promise.all(ledgers.map((ledger) => ledger.close()))
  })

  it('charge an exchange once, and answer the same receipt', async () => {
    const database = await postgres.create('idempotent')
    const [one, two] = [await open(database), await open(database)]
    const exchange = exchangeOf(ALICE)
    const [first, second] = await Promise.all([
      one.charge(exchange, deliveredOf(5), 'complete'),
      two.charge(exchange, deliveredOf(9), 'partial'),
    ])
    expect(second).toEqual(first)
    expect((await totalsOf(one, ALICE)).charged).toBe(first.receipt.fee)
    await Promise.all([one.close(), two.close()])
  })

  it('charge what a dead one left behind, and leave a living one alone', async () => {
    const database = await postgres.create('leases')
    const [living, other] = [
      await open(database, { leaseMs: LEASE_MS }),
      await open(database, { leaseMs: LEASE_MS }),
    ]
    const running = exchangeOf(ALICE)
    const left = exchangeOf(ALICE)
    await living.checkpoint(running, deliveredOf(3))
    await other.checkpoint(left, deliveredOf(7))
    await new Promise((resolve) => setTimeout(resolve, 1.5 * LEASE_MS))
    expect(await other.recover()).toEqual([])
    await other.close()
    await expect.poll(() => living.receipt(left.id), { timeout: 20_000 }).not.toBeNull()
    expect((await living.receipt(left.id))!.receipt.fee).toBe(41n)
    expect(await living.receipt(running.id)).toBeNull()
    await living.close()
  })

  it('settle one at a time', async () => {
    const database = await postgres.create('turns')
    const [one, two] = [await open(database), await open(database)]
    const turn = await one.takeTurn()
    expect(turn).not.toBeNull()
    expect(await two.takeTurn()).toBeNull()
    await turn!.end()
    const next = await two.takeTurn()
    expect(next).not.toBeNull()
    await next!.end()
    await Promise.all([one.close(), two.close()])
  })
})
