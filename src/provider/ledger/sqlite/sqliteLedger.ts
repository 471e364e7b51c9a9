import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FileLock } from '../../../base/fileLock.ts'
import type { Address } from '../../../base/hex.ts'
import { feeOf } from '../../../protocol/pricing.ts'
import type { SignedReceipt } from '../../../protocol/receipt.ts'
import { raise } from '../account.ts'
import { Issuer } from '../issuer.ts'
import type { CountedKey, KeySpending } from '../keySpending.ts'
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
import { exchangeRow, leftBehind, receiptOf, receiptRow, userRow } from '../rows.ts'
import { RowSeal } from '../seal.ts'
import type { StoredSettlement } from '../settlements.ts'
import type { ExchangeRow, LedgerIdentity } from '../tables.ts'
import { SqliteBatches } from './batches.ts'
import { prepareFile } from './file.ts'
import { GroupCommit } from './groupCommit.ts'
import { Keys } from './keys.ts'
import { lockLedger } from './lock.ts'
import { SqliteNumbers } from './numbers.ts'
import { LedgerReader } from './reader.ts'
import { SqliteSettlements } from './settlements.ts'
import { type Write, write } from './statements.ts'
import { Users } from './users.ts'
import { SqliteVouchers } from './vouchers.ts'

export interface SqliteLedgerOptions extends LedgerOptions {
  /** The file; its folder is made when it is missing. */
  readonly path: string
}

/** SQLite serves one process. */
const NO_REPLICA = ''

/**
 * Opens the ledger in a file, or makes a new one.
 * @throws AppError `ledger_locked`, `ledger_corrupt`, `ledger_too_new`, `ledger_foreign`, `ledger_key_changed`
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<SqliteLedger> {
  mkdirSync(dirname(options.path), { recursive: true })
  const lock = lockLedger(options.path)
  try {
    const { chainId, contract, provider } = options
    const now = (options.now ?? Date.now)()
    const identity = prepareFile(options.path, { chainId, contract, provider }, options.rowKey, now)
    return new SqliteLedger(options, identity, lock)
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * The ledger in SQLite. Counters live in memory and move when a charge is made; its promise resolves when the
 * row is on disk. Because commits keep the order of calls and a failed one ends the ledger, nothing that was
 * answered can rest on something that was lost.
 */
export class SqliteLedger implements Ledger {
  readonly #options: SqliteLedgerOptions
  readonly #identity: LedgerIdentity
  readonly #issuer: Issuer
  readonly #seal: RowSeal
  readonly #lock: FileLock
  readonly #reader: LedgerReader
  readonly #commits: GroupCommit
  readonly #users: Users
  readonly settlements: SqliteSettlements
  readonly batches: SqliteBatches
  readonly numbers: SqliteNumbers
  readonly vouchers: SqliteVouchers
  readonly places = null
  readonly #keys: Keys
  readonly #leftBehind: ExchangeRow[]
  /** Exchanges that have a row on disk: the others, most of them, have none to end. */
  readonly #checkpointed: Set<string>
  readonly #charging = new Map<string, Promise<SignedReceipt>>()
  #isClosed = false

  /** Use `openSqliteLedger`, which locks and prepares the file. */
  constructor(options: SqliteLedgerOptions, identity: LedgerIdentity, lock: FileLock) {
    this.#options = options
    this.#identity = identity
    this.#issuer = new Issuer(options, identity)
    this.#seal = new RowSeal(options.rowKey, identity)
    this.#lock = lock
    this.#reader = new LedgerReader(options.path)
    this.#leftBehind = this.#reader.exchanges()
    this.#checkpointed = new Set(this.#leftBehind.map(({ id }) => id))
    this.#users = new Users({ seal: this.#seal, identity }, this.#reader.users(), this.#reader.settlements())
    this.#keys = new Keys(this.#seal, this.#reader.keySpending(), options.now ?? Date.now)
    this.#commits = new GroupCommit(options.path, options.signerKey)
    const last = Math.max(this.#reader.lastNumber(), (options.firstSeq ?? 1) - 1)
    const { path } = options
    this.numbers = new SqliteNumbers(
      { path, seal: this.#seal, commits: this.#commits },
      last,
      this.#reader.epoch(),
    )
    this.batches = new SqliteBatches(
      { users: this.#users, numbers: this.numbers, commits: this.#commits, seal: this.#seal },
      this.#reader.batches(),
    )
    this.vouchers = new SqliteVouchers({ commits: this.#commits, seal: this.#seal }, this.#reader.vouchers())
    this.settlements = new SqliteSettlements({
      users: this.#users,
      reader: this.#reader,
      commits: this.#commits,
      seal: this.#seal,
      onFault: (error) => this.#onFault(error),
    })
  }

  async checkpoint(exchange: Exchange, delivered: Delivered): Promise<void> {
    const row = exchangeRow(this.#seal, exchange, delivered, NO_REPLICA)
    this.#checkpointed.add(exchange.id)
    await this.#commits.commit([write('putExchange', row)])
  }

  async charge(
    exchange: Exchange,
    delivered: Delivered,
    status: 'complete' | 'partial',
  ): Promise<SignedReceipt> {
    const known = this.#charging.get(exchange.id) ?? (exchange.isNew ? null : this.#receipt(exchange.id))
    if (known) return known
    const charged = this.#charge(exchange, delivered, status)
    this.#charging.set(exchange.id, charged)
    try {
      return await charged
    } finally {
      this.#charging.delete(exchange.id)
    }
  }

  discard(id: string): Promise<void> {
    return this.#commits.commit(this.#end(id))
  }

  async recover(): Promise<SignedReceipt[]> {
    const receipts = this.#leftBehind.splice(0).map((row) => this.#recoverOne(row))
    return (await Promise.all(receipts)).filter((signed) => signed !== null)
  }

  get failure(): Error | null {
    return this.#commits.failure
  }

  refresh(): Promise<void> | undefined {
    return this.failure ? Promise.reject(this.failure) : undefined
  }

  totals(user: Address): UserTotals {
    return this.#users.totals(user)
  }

  owed(user: Address, seen: SeenAccount): bigint {
    return this.#users.owed(user, seen)
  }

  spent(key: CountedKey): bigint {
    return this.#keys.spent(key)
  }

  async keySpending(user: Address): Promise<KeySpending[]> {
    return this.#keys.of(user)
  }

  openSettlement(user: Address): StoredSettlement | null {
    return this.#users.openOf(user)
  }

  async receipt(id: string): Promise<SignedReceipt | null> {
    return this.#receipt(id)
  }

  async receipts(user: Address, after: number, limit: number): Promise<SignedReceipt[]> {
    const rows = this.#reader.receiptsAfter(user.toLowerCase() as Address, after, limit)
    return rows.map((row) => receiptOf(this.#identity, row))
  }

  async takeTurn(): Promise<SettlingTurn> {
    return { end: async () => {} }
  }

  async unsettled(minimum?: bigint): Promise<Unsettled> {
    return this.settlements.unsettled(minimum)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#commits.close()
    this.#reader.close()
    this.#lock.release()
  }

  #receipt(id: string): SignedReceipt | null {
    const row = this.#reader.receipt(id)
    return row ? receiptOf(this.#identity, row) : null
  }

  /** Moves the counter and takes the number; who writes the receipt signs it, and only the disk is waited for. */
  async #charge(
    exchange: Exchange,
    delivered: Delivered,
    status: 'complete' | 'partial',
  ): Promise<SignedReceipt> {
    const held = this.#users.get(exchange.user)
    const fee = feeOf(delivered.counts, exchange.prices, exchange.multipliers)
    const seq = this.numbers.next
    const account = raise(held.account, seq, held.account.charged + fee)
    const { unsigned, digest } = this.#issuer.draft(account, fee, { exchange, delivered, status })
    this.numbers.take()
    held.account = account
    const [signature] = await this.#commits.sign([
      write('putUser', userRow(this.#seal, account)),
      write('insertReceipt', receiptRow(exchange.id, { ...unsigned, signature: digest })),
      ...(exchange.key ? this.#keys.charge(exchange.key, account.user, fee) : []),
      ...this.#end(exchange.id),
    ])
    if (seq > held.durable.seq) held.durable = { seq, charged: account.charged }
    return { ...unsigned, signature: signature! }
  }

  #end(id: string): Write[] {
    return this.#checkpointed.delete(id) ? [write('endExchange', { id })] : []
  }

  /** A row that the enclave did not write, and a payer whose rows are not sound, cost nobody anything. */
  async #recoverOne(row: ExchangeRow): Promise<SignedReceipt | null> {
    try {
      const { exchange, delivered } = leftBehind(this.#seal, row)
      return await this.charge(exchange, delivered, 'partial')
    } catch (error) {
      this.#onFault(error as Error)
      return null
    }
  }

  #onFault(error: Error): void {
    const code = (error as { code?: string }).code ?? 'unknown'
    if (code === 'ledger_failed' || code === 'ledger_closed') throw error
    this.#options.log?.error('ledger_row_refused', { code, reason: error.message })
  }
}
