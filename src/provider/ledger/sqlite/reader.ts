import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Address } from '../../../base/hex.ts'
import { sqlite } from '../../../base/nodeSqlite.ts'
import { bind, prepare } from '../prepare.ts'
import {
  allExchanges,
  allKeySpending,
  allUsers,
  allVouchers,
  epochRow,
  issuedAfter,
  lastBatch,
  lastSeq,
  receiptById,
  receiptsAfter,
  unfinishedBatches,
  unsettledSettlements,
} from '../queries.ts'
import type {
  BatchRow,
  EpochRow,
  ExchangeRow,
  KeySpendingRow,
  ReceiptRow,
  SettlementRow,
  UserRow,
  VoucherRow,
} from '../tables.ts'

interface After {
  readonly user: Address
  readonly after: number
  readonly limit: number
}

const BY_ID = prepare((db, { id }: { readonly id: string }) => receiptById(db, id))
const AFTER = prepare((db, { user, after, limit }: After) => receiptsAfter(db, user, after, limit))
const ISSUED = prepare((db, { user, after }: Omit<After, 'limit'>) => issuedAfter(db, user, after))

/** What is on disk, read on the broker's own thread while the writer writes. */
export class LedgerReader {
  readonly #database: DatabaseSync
  readonly #byId: StatementSync
  readonly #after: StatementSync
  readonly #issued: StatementSync

  constructor(path: string) {
    this.#database = new sqlite.DatabaseSync(path, { readOnly: true, timeout: 5000 })
    this.#byId = this.#database.prepare(BY_ID.sql)
    this.#after = this.#database.prepare(AFTER.sql)
    this.#issued = this.#database.prepare(ISSUED.sql)
  }

  receipt = (id: string): ReceiptRow | undefined =>
    this.#byId.get(...bind(BY_ID, { id })) as ReceiptRow | undefined

  receiptsAfter = (user: Address, after: number, limit: number): ReceiptRow[] =>
    this.#after.all(...bind(AFTER, { user, after, limit })) as unknown as ReceiptRow[]

  /** Unix seconds. */
  issuedAfter = (user: Address, after: number): number | null =>
    (this.#issued.get(...bind(ISSUED, { user, after }))?.issued_at as number | undefined) ?? null

  /** The highest number on a receipt or a batch. */
  lastNumber = (): number => {
    const [receipt] = this.#all<{ seq: number }>(prepare(lastSeq))
    const [batch] = this.#all<{ number: number }>(prepare(lastBatch))
    return Math.max(receipt?.seq ?? 0, batch?.number ?? 0)
  }

  epoch = (): EpochRow | undefined => this.#all<EpochRow>(prepare(epochRow))[0]
  batches = (): BatchRow[] => this.#all(prepare(unfinishedBatches))
  vouchers = (): VoucherRow[] => this.#all(prepare(allVouchers))
  users = (): UserRow[] => this.#all(prepare(allUsers))
  keySpending = (): KeySpendingRow[] => this.#all(prepare(allKeySpending))
  exchanges = (): ExchangeRow[] => this.#all(prepare(allExchanges))
  settlements = (): SettlementRow[] => this.#all(prepare(unsettledSettlements))

  close(): void {
    this.#database.close()
  }

  #all<T>(prepared: ReturnType<typeof prepare>): T[] {
    return this.#database.prepare(prepared.sql).all(...bind(prepared, {})) as unknown as T[]
  }
}
