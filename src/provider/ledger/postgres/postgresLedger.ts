import { randomBytes } from 'node:crypto'
import type { Address, Hex } from '../../../base/hex.ts'
import type { SignedReceipt } from '../../../protocol/receipt.ts'
import { Issuer } from '../issuer.ts'
import { asOf, type CountedKey, type KeySpending, keySpendingOf } from '../keySpending.ts'
import type {
  Delivered,
  Exchange,
  Ledger,
  SeenAccount,
  SettlingTurn,
  Unsettled,
  UserTotals,
} from '../ledger.ts'
import type { LedgerOptions } from '../openLedger.ts'
import { receiptById, receiptsAfter } from '../queries.ts'
import { exchangeRow, receiptOf } from '../rows.ts'
import type { StoredSettlement } from '../settlements.ts'
import type { ExchangeRow } from '../tables.ts'
import { PostgresBatches } from './batches.ts'
import { PostgresCommits } from './commits.ts'
import { PostgresDatabase } from './database.ts'
import { spendingOf } from './keys.ts'
import { Looks } from './looks.ts'
import { Memory } from './memory.ts'
import { PostgresNumbers } from './numbers.ts'
import { PostgresPlaces } from './places.ts'
import { Replicas } from './replicas.ts'
import { PostgresSettlements } from './settlements.ts'
import { takeTurn } from './turn.ts'
import { PostgresVouchers } from './vouchers.ts'

export interface PostgresLedgerOptions extends LedgerOptions {
  readonly url: string
  readonly leaseMs?: number
}

const DEFAULT_LEASE_MS = 30_000
/** Signs of life within one lease. */
const BEATS = 4

/**
 * Opens the ledger in a database, or makes the tables.
 * @throws AppError `pg_missing`, `ledger_unavailable`, `ledger_too_new`, `ledger_foreign`, `ledger_key_changed`
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<PostgresLedger> {
  const { chainId, contract, provider, url, rowKey } = options
  const database = new PostgresDatabase(url, { chainId, contract, provider }, rowKey)
  try {
    await database.prepare(rowKey, options.firstSeq ?? 1)
    const ledger = new PostgresLedger(options, database)
    await ledger.start()
    return ledger
  } catch (error) {
    await database.close()
    throw error
  }
}

/**
 * The ledger in PostgreSQL, shared by any number of replicas. What counts is in the database alone: numbers and
 * counters move there, under one lock, together with the receipt that names them. Memory serves admission only.
 */
export class PostgresLedger implements Ledger {
  readonly #options: PostgresLedgerOptions
  readonly #database: PostgresDatabase
  readonly #memory = new Memory()
  readonly #looks: Looks
  /** A database that is away comes back. */
  readonly failure = null
  readonly #commits: PostgresCommits
  readonly settlements: PostgresSettlements
  readonly batches: PostgresBatches
  readonly numbers: PostgresNumbers
  readonly vouchers: PostgresVouchers
  readonly places: PostgresPlaces
  readonly #replicas: Replicas
  readonly #replica = randomBytes(8).toString('hex')
  #beat: NodeJS.Timeout | null = null
  #beating: Promise<unknown> = Promise.resolve()
  #isClosed = false

  /** Use `openPostgresLedger`, which prepares the database. */
  constructor(options: PostgresLedgerOptions, database: PostgresDatabase) {
    this.#options = options
    this.#database = database
    this.#looks = new Looks(database, this.#memory)
    this.#commits = new PostgresCommits(database, new Issuer(options, database.identity), this.#memory)
    this.settlements = new PostgresSettlements(database, (error) => this.#onFault(error))
    this.batches = new PostgresBatches(database, (error) => this.#onFault(error))
    this.numbers = new PostgresNumbers(database)
    this.vouchers = new PostgresVouchers(database)
    this.#replicas = new Replicas(database, this.#replica, options.leaseMs ?? DEFAULT_LEASE_MS)
    this.places = new PostgresPlaces(database, this.#replicas, this.#memory)
  }

  /** Shows itself to the other replicas, and looks after those that are gone. */
  async start(): Promise<void> {
    await this.#replicas.showUp()
    this.#beat = setInterval(() => this.#onBeat(), (this.#options.leaseMs ?? DEFAULT_LEASE_MS) / BEATS)
    this.#beat.unref()
  }

  checkpoint(exchange: Exchange, delivered: Delivered): Promise<void> {
    return this.#commits.checkpoint(exchangeRow(this.#database.seal, exchange, delivered, this.#replica))
  }

  async charge(
    exchange: Exchange,
    delivered: Delivered,
    status: 'complete' | 'partial',
  ): Promise<SignedReceipt> {
    return this.#commits.charge({ exchange, delivered, status })
  }

  discard(id: string): Promise<void> {
    return this.#commits.end(id)
  }

  async recover(): Promise<SignedReceipt[]> {
    const receipts: SignedReceipt[] = []
    for (const row of await this.#replicas.leftBehind()) {
      const signed = await this.#recoverOne(row)
      if (signed) receipts.push(signed)
    }
    return receipts
  }

  refresh(user: Address, key?: Hex): Promise<void> {
    return this.#looks.look(user, key)
  }

  totals(user: Address): UserTotals {
    return this.#memory.totals(user)
  }

  owed(user: Address, seen: SeenAccount): bigint {
    return this.#memory.owed(user, seen)
  }

  spent(key: CountedKey): bigint {
    return this.#memory.spent(key)
  }

  async keySpending(user: Address): Promise<KeySpending[]> {
    const key = user.toLowerCase() as Address
    const rows = await this.#database.plainly((db) => spendingOf(db, [key]))
    return rows.map(({ today, ...row }) => asOf(today, keySpendingOf(this.#database.seal, row)))
  }

  openSettlement(user: Address): StoredSettlement | null {
    return this.#memory.openOf(user)
  }

  async receipt(id: string): Promise<SignedReceipt | null> {
    const row = await this.#database.plainly((db) => receiptById(db, id).executeTakeFirst())
    return row ? receiptOf(this.#database.identity, row) : null
  }

  async receipts(user: Address, after: number, limit: number): Promise<SignedReceipt[]> {
    const key = user.toLowerCase() as Address
    const rows = await this.#database.plainly((db) => receiptsAfter(db, key, after, limit).execute())
    return rows.map((row) => receiptOf(this.#database.identity, row))
  }

  takeTurn(): Promise<SettlingTurn | null> {
    return takeTurn(this.#database.pool, this.#database.identity)
  }

  unsettled(minimum?: bigint): Promise<Unsettled> {
    return this.settlements.unsettled(minimum)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#beat) clearInterval(this.#beat)
    await this.#beating
    await this.#commits.close()
    await this.#replicas.leave().catch(() => {})
    await this.#database.close()
  }

  #onBeat(): void {
    this.#beating = this.#beating.then(() => this.#lookAfterOthers()).catch((error) => this.#onFault(error))
  }

  async #lookAfterOthers(): Promise<void> {
    if (this.#isClosed) return
    await this.#replicas.showUp()
    await this.places.sweep()
    const left = await this.recover()
    if (left.length > 0) this.#options.log?.warn('charged_after_crash', { exchanges: left.length })
  }

  /** A row that the enclave did not write, and a payer whose rows are not sound, cost nobody anything. */
  async #recoverOne(row: ExchangeRow): Promise<SignedReceipt | null> {
    try {
      const { exchange, delivered } = this.#replicas.read(row)
      return await this.charge(exchange, delivered, 'partial')
    } catch (error) {
      this.#onFault(error as Error)
      return null
    }
  }

  #onFault(error: Error): void {
    const code = (error as { code?: string }).code ?? 'unknown'
    this.#options.log?.error('ledger_row_refused', { code, reason: error.message })
  }
}
