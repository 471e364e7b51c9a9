import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Address, Hex } from '../../base/hex.ts'
import { feeOf } from '../../protocol/pricing.ts'
import type { Receipt, ReceiptDetail, SignedReceipt } from '../../protocol/receipt.ts'
import { assertFits, receiptDetail } from './detail.ts'
import { GroupCommit } from './groupCommit.ts'
import type {
  Delivered,
  Due,
  Exchange,
  Ledger,
  NewSettlement,
  SettlementKey,
  StoredSettlement,
  UserTotals,
} from './ledger.ts'
import { type FileLock, lockLedger } from './lock.ts'
import { LedgerReader } from './reader.ts'
import { checkpointWrite, leftBehind, receiptOf, receiptWrite, settlementOf } from './rows.ts'
import { type LedgerIdentity, prepareFile } from './schema.ts'
import { Settlements } from './settlements.ts'
import { Users } from './users.ts'

export interface SqliteLedgerOptions extends LedgerIdentity {
  /** The file; its folder is made when it is missing. */
  readonly path: string
  /** Signs a receipt with the enclave's key: `signReceipt` bound to key, chain and contract. */
  readonly sign: (fields: Omit<Receipt, 'detail'>, detail: ReceiptDetail) => SignedReceipt
  /** ms; default the clock. */
  readonly now?: () => number
}

/**
 * Opens the ledger in a file, or makes a new one.
 * @throws AppError `ledger_locked`, `ledger_corrupt`, `ledger_too_new`, `ledger_foreign`
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<SqliteLedger> {
  mkdirSync(dirname(options.path), { recursive: true })
  const lock = lockLedger(options.path)
  try {
    const { chainId, contract, provider } = options
    const identity = prepareFile(options.path, { chainId, contract, provider })
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
  readonly #identity: LedgerIdentity
  readonly #sign: SqliteLedgerOptions['sign']
  readonly #now: () => number
  readonly #lock: FileLock
  readonly #reader: LedgerReader
  readonly #commits: GroupCommit
  readonly #users: Users
  readonly #settlements: Settlements
  readonly #leftBehind: ReturnType<typeof leftBehind>[]
  readonly #charging = new Map<string, Promise<SignedReceipt>>()
  #lastSeq: number
  #isClosed = false

  /** Use `openSqliteLedger`, which locks and prepares the file. */
  constructor(options: SqliteLedgerOptions, identity: LedgerIdentity, lock: FileLock) {
    this.#identity = identity
    this.#sign = options.sign
    this.#now = options.now ?? Date.now
    this.#lock = lock
    this.#reader = new LedgerReader(options.path)
    this.#lastSeq = this.#reader.lastSeq()
    this.#leftBehind = this.#reader.exchanges().map(leftBehind)
    const open = this.#reader.openSettlements().map((row) => settlementOf(identity.provider, row))
    this.#users = new Users(this.#reader.users(), open)
    this.#commits = new GroupCommit(options.path)
    this.#settlements = new Settlements(this.#users, this.#reader, this.#commits)
  }

  checkpoint(exchange: Exchange, delivered: Delivered): Promise<void> {
    return this.#commits.commit([checkpointWrite(exchange, delivered)])
  }

  async charge(
    exchange: Exchange,
    delivered: Delivered,
    status: 'complete' | 'partial',
  ): Promise<SignedReceipt> {
    const known = this.#charging.get(exchange.id) ?? this.receipt(exchange.id)
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
    return this.#commits.commit([['endExchange', id]])
  }

  async recover(): Promise<SignedReceipt[]> {
    const left = this.#leftBehind.splice(0)
    return Promise.all(left.map(({ exchange, delivered }) => this.charge(exchange, delivered, 'partial')))
  }

  totals(user: Address): UserTotals {
    return this.#users.totals(user)
  }

  receipt(id: string): SignedReceipt | null {
    const row = this.#reader.receipt(id)
    return row ? receiptOf(this.#identity, row) : null
  }

  receipts(user: Address, after: number, limit: number): SignedReceipt[] {
    const rows = this.#reader.receiptsAfter(user.toLowerCase() as Address, after, limit)
    return rows.map((row) => receiptOf(this.#identity, row))
  }

  due(minimum: bigint): Due[] {
    return this.#settlements.due(minimum)
  }

  openSettlements(): StoredSettlement[] {
    return this.#users.allOpen()
  }

  openSettlement(user: Address): StoredSettlement | null {
    return this.#users.open(user)
  }

  lastNonce(user: Address): bigint {
    return this.#users.lastNonce(user)
  }

  storeSettlements(settlements: readonly NewSettlement[]): Promise<void> {
    return this.#settlements.store(settlements)
  }

  replaceSignature(key: SettlementKey, signature: Hex): Promise<void> {
    return this.#settlements.replaceSignature(key, signature)
  }

  markSent(keys: readonly SettlementKey[], txHash: Hex): Promise<void> {
    return this.#settlements.markSent(keys, txHash)
  }

  markDone(key: SettlementKey, paid: bigint, txHash: Hex): Promise<void> {
    return this.#settlements.markDone(key, paid, txHash)
  }

  markVoid(key: SettlementKey): Promise<void> {
    return this.#settlements.markVoid(key)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#commits.close()
    this.#reader.close()
    this.#lock.release()
  }

  /** Moves the counter, takes the number, signs; from here on only the disk can be waited for. */
  async #charge(
    exchange: Exchange,
    delivered: Delivered,
    status: 'complete' | 'partial',
  ): Promise<SignedReceipt> {
    const state = this.#users.get(exchange.user)
    const fee = feeOf(delivered.counts, exchange.prices, exchange.multipliers)
    const seq = this.#lastSeq + 1
    const cumulative = state.charged + fee
    assertFits(seq, cumulative)
    const signed = this.#issue({ user: state.user, seq, cumulative, fee }, exchange, delivered, status)
    this.#lastSeq = seq
    state.charged = cumulative
    await this.#commits.commit([
      ['raiseCharged', state.user, cumulative.toString()],
      receiptWrite(exchange.id, signed),
      ['endExchange', exchange.id],
    ])
    return signed
  }

  #issue(
    { user, seq, cumulative, fee }: Pick<Receipt, 'user' | 'seq' | 'cumulative' | 'fee'>,
    exchange: Exchange,
    delivered: Delivered,
    status: 'complete' | 'partial',
  ): SignedReceipt {
    const { chainId, contract, provider } = this.#identity
    const issuedAt = Math.floor(this.#now() / 1000)
    const salt = randomBytes(16).toString('hex')
    const detail = receiptDetail(exchange, delivered, status, salt)
    const signed = this.#sign({ provider, user, seq, cumulative, fee, issuedAt }, detail)
    return { ...signed, chainId, contract }
  }
}
