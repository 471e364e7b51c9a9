import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, type PostgresPool, sql, type Transaction } from 'kysely'
import { AppError } from '../../../base/errors.ts'
import { assertOwner } from '../claim.ts'
import { ledgerFailed, ledgerTooNew, ledgerUnavailable, ledgerWentBack, rowTampered } from '../errors.ts'
import { oldestKept } from '../keySpending.ts'
import { EMPTY_VERSION, migrationFrom, SCHEMA_VERSION } from '../migrations.ts'
import { dropSpendingBefore } from '../queries.ts'
import { RowSeal } from '../seal.ts'
import type { CounterRow, LedgerIdentity, Tables } from '../tables.ts'
import { advisoryKey } from './advisoryKey.ts'
import { loadPg, type PgPool } from './pg.ts'

/** A transaction that holds the provider's counter: no other replica writes money before it ends. */
export interface Writing {
  readonly tx: Transaction<Tables>
  readonly lastSeq: number
  raiseSeq(seq: number): Promise<void>
}

const CONNECTIONS = 8
const RETRY_FOR_MS = 30_000
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000
const COUNTER = 1

/** The tables in PostgreSQL, and the one way to write money there. */
export class PostgresDatabase {
  /** Without the password. */
  readonly name: string
  readonly db: Kysely<Tables>
  readonly pool: PgPool
  identity: LedgerIdentity
  seal: RowSeal
  /** The highest number that this process has seen committed. */
  #highest = 0

  constructor(url: string, identity: LedgerIdentity, rowKey: Uint8Array) {
    this.name = nameOf(url)
    this.pool = loadPg(url, CONNECTIONS)
    this.db = new Kysely<Tables>({
      dialect: new PostgresDialect({ pool: this.pool as unknown as PostgresPool }),
    })
    this.identity = identity
    this.seal = new RowSeal(rowKey, identity)
  }

  /**
   * Makes or updates the tables, makes sure whose they are, and drops what has expired.
   * @throws AppError `ledger_too_new`, `ledger_foreign`, `ledger_key_changed`, `ledger_unavailable`
   */
  async prepare(rowKey: Uint8Array, firstSeq: number): Promise<void> {
    const wanted = this.identity
    this.identity = await this.#retried(() =>
      this.db.transaction().execute(async (tx) => {
        await advisoryKey.lockForMigration(tx)
        await this.#migrate(tx)
        return this.#claim(tx, wanted, rowKey)
      }),
    )
    this.seal = new RowSeal(rowKey, this.identity)
    await this.exclusively(async ({ tx, lastSeq, raiseSeq }) => {
      if (lastSeq < firstSeq - 1) await raiseSeq(firstSeq - 1)
      await dropSpendingBefore(tx, oldestKept(Date.now())).execute()
    })
  }

  /**
   * Runs a transaction that reads and writes counters. It first locks the provider's counter, so that all writers
   * of all replicas stand in one queue: nothing is ever computed from what another is changing. After a lost
   * connection or a deadlock it runs again, also when it is not known whether it counted: `work` has to find what
   * it did before, by exchange id or nonce.
   * @throws AppError `ledger_unavailable`, `ledger_failed`, `ledger_row_tampered`, `ledger_went_back`
   */
  exclusively<T>(work: (writing: Writing) => Promise<T>): Promise<T> {
    return this.#retried(async () => {
      let raisedTo = 0
      const done = await this.db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (tx) =>
          work(
            await this.#lockCounter(tx, (seq) => {
              raisedTo = seq
            }),
          ),
        )
      this.#highest = Math.max(this.#highest, raisedTo)
      return done
    })
  }

  /** Runs a transaction that reads everything as of one moment. */
  consistently<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#retried(() =>
      this.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    )
  }

  /** Runs statements that move no money. */
  plainly<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.#retried(() => work(this.db))
  }

  close(): Promise<void> {
    return this.db.destroy()
  }

  async #lockCounter(tx: Transaction<Tables>, onRaise: (seq: number) => void): Promise<Writing> {
    const row = await tx
      .selectFrom('counters')
      .selectAll()
      .where('id', '=', COUNTER)
      .forUpdate()
      .executeTakeFirst()
    const lastSeq = this.#checked(row)
    return {
      tx,
      lastSeq,
      raiseSeq: async (seq) => {
        const values = { last_seq: seq, mac: this.seal.of('counter', [seq]) }
        await tx.updateTable('counters').set(values).where('id', '=', COUNTER).execute()
        onRaise(seq)
      },
    }
  }

  /**
   * With another counter, or an earlier one, numbers could be given out twice.
   * @throws AppError `ledger_row_tampered`, `ledger_went_back`
   */
  #checked(row: CounterRow | undefined): number {
    if (!row || !this.seal.matches('counter', [row.last_seq], row.mac))
      throw rowTampered('counter', this.name)
    if (row.last_seq < this.#highest) throw ledgerWentBack(this.name)
    this.#highest = row.last_seq
    return row.last_seq
  }

  async #migrate(tx: Transaction<Tables>): Promise<void> {
    const { rows } = await sql<{
      found: boolean
    }>`SELECT to_regclass('identity') IS NOT NULL AS found`.execute(tx)
    const known = rows[0]?.found
      ? await tx.selectFrom('identity').select('version').executeTakeFirst()
      : undefined
    const version = known?.version ?? EMPTY_VERSION
    if (version > SCHEMA_VERSION) throw ledgerTooNew(this.name, version, SCHEMA_VERSION)
    for (let from = version; from < SCHEMA_VERSION; from++) {
      const steps = migrationFrom(from, tx as unknown as Kysely<unknown>, 'postgres')
      for (const step of steps) await tx.executeQuery(step.compile())
    }
    if (known && version < SCHEMA_VERSION)
      await tx.updateTable('identity').set({ version: SCHEMA_VERSION }).execute()
  }

  async #claim(tx: Transaction<Tables>, wanted: LedgerIdentity, rowKey: Uint8Array): Promise<LedgerIdentity> {
    const row = await tx.selectFrom('identity').selectAll().executeTakeFirst()
    if (row) return assertOwner(this.name, row, wanted, rowKey)
    const seal = new RowSeal(rowKey, wanted)
    const { chainId, contract, provider } = wanted
    await tx
      .insertInto('identity')
      .values({
        chain_id: chainId,
        contract,
        provider,
        version: SCHEMA_VERSION,
        key_check: seal.of('key', []),
      })
      .execute()
    await tx
      .insertInto('counters')
      .values({ id: COUNTER, last_seq: 0, mac: seal.of('counter', [0]) })
      .execute()
    return wanted
  }

  async #retried<T>(attempt: () => Promise<T>): Promise<T> {
    const until = Date.now() + RETRY_FOR_MS
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        return await attempt()
      } catch (error) {
        if (error instanceof AppError) throw error
        if (!mayPass(error)) throw ledgerFailed(this.name, error)
        if (Date.now() >= until) throw ledgerUnavailable(this.name, error)
        await sleep(pauseMs * (0.5 + Math.random()))
      }
    }
  }
}

/**
 * Classes of SQLSTATE after which the same transaction may succeed: connection, rollback (deadlock, serialization),
 * resources, lock, operator. @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const PASSING = /^(08|40|53|55|57)/
const CONNECTION_CODES = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)/

function mayPass(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (typeof code === 'string') return PASSING.test(code) || CONNECTION_CODES.test(code)
  return /connection|timeout/i.test(message)
}

function nameOf(url: string): string {
  if (!URL.canParse(url)) return 'postgres'
  const { host, pathname } = new URL(url)
  return `postgres://${host}${pathname}`
}
