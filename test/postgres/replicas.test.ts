import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedReceipt } from '../../src/protocol/receipt.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { deliveredOf, exchangeOf, ledgerKeys, totalsOf } from '../support/ledger.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { CLOCKS_APART_MS, expectNoConflict, replica, USERS } from './replica.ts'

let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres()
})

afterAll(() => postgres?.stop())

const open = (database: string, firstSeq = 1) =>
  openLedger({ ...ledgerKeys(), database, leaseMs: 500, firstSeq })

async function everything(database: string): Promise<SignedReceipt[]> {
  const ledger = await open(database)
  try {
    return (await Promise.all(USERS.map((user) => ledger.receipts(user, 0, 10_000)))).flat()
  } finally {
    await ledger.close()
  }
}

describe('two replicas whose clocks differ', () => {
  it('make 1,000 charges at once without two statements that conflict', async () => {
    const database = await postgres.create('thousand')
    const [one, two] = await Promise.all([
      replica(database, { count: 500, clockMs: 0 }),
      replica(database, { count: 500, clockMs: CLOCKS_APART_MS }),
    ])
    expect(one.length + two.length).toBe(1000)
    expectNoConflict([...one, ...two])
    expect(await everything(database)).toHaveLength(1000)
  })

  it('lose nothing that was answered when one is killed, and charge what it left once', async () => {
    const database = await postgres.create('killed')
    const [dead, alive] = await Promise.all([
      replica(database, { count: 500, clockMs: CLOCKS_APART_MS, killAfter: 60 }),
      replica(database, { count: 500, clockMs: 0 }),
    ])
    expect(dead.length).toBeGreaterThan(0)
    expect(dead.length).toBeLessThan(500)
    expect(alive).toHaveLength(500)
    await sleep(700)
    const ledger = await open(database)
    await ledger.recover()
    const written = (await Promise.all(USERS.map((user) => ledger.receipts(user, 0, 10_000)))).flat()
    await ledger.close()
    expectNoConflict(written)
    const signatures = new Set(written.map(({ signature }) => signature))
    for (const { signature } of [...dead, ...alive]) expect(signatures.has(signature)).toBe(true)
  })

  it('never say twice what an old copy of the database has forgotten', async () => {
    const database = await postgres.create('now')
    const early = await replica(database, { count: 50, clockMs: 0, firstSeq: 1_000_000 })
    const before = new Map<string, bigint>()
    for (const user of USERS) {
      const ledger = await open(database, 1_000_000)
      before.set(user, (await totalsOf(ledger, user)).charged)
      await ledger.close()
    }
    await postgres.disconnect('now')
    const copy = await postgres.copy('now', 'anhourago')
    const late = await replica(database, { count: 50, clockMs: 0, firstSeq: 1_000_000 })
    // As a broker that starts does: numbers begin above all that an earlier start can have given out.
    const again = await replica(copy, { count: 50, clockMs: 0, firstSeq: 2_000_000 })
    const numbers = [...early, ...late, ...again].map(({ receipt }) => receipt.seq)
    expect(new Set(numbers).size).toBe(150)
    expectNoConflict([...early, ...late])
    expectNoConflict(again, before)
    expect(Math.min(...again.map(({ receipt }) => receipt.seq))).toBeGreaterThan(
      Math.max(...late.map(({ receipt }) => receipt.seq)),
    )
  })
})

describe('admission on a replica', () => {
  it('knows what the others charged before it asked, and counts its own from the moment they are made', async () => {
    const database = await postgres.create('admission')
    const [one, two] = [await open(database), await open(database)]
    const [user] = USERS
    await one.charge(exchangeOf(user), deliveredOf(5), 'complete')
    await two.refresh(user)
    expect(two.owed(user, { nonce: 0n })).toBe(35n)
    const charging = two.charge(exchangeOf(user), deliveredOf(6), 'complete')
    expect(two.owed(user, { nonce: 0n })).toBe(35n + 38n)
    await charging
    expect(two.owed(user, { nonce: 0n })).toBe(35n + 38n)
    await Promise.all([one.close(), two.close()])
  })
})
