import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Address } from '../../base/hex.ts'
import { sqlite } from './nodeSqlite.ts'
import type { ExchangeRow, ReceiptRow, SettlementRow, UserRow } from './rows.ts'

const RECEIPT_COLUMNS = 'seq, user, fee, cumulative, issued_at, detail_hash, detail, signature'

/** What is on disk, read on the broker's own thread while the writer writes. */
export class LedgerReader {
  readonly #database: DatabaseSync
  readonly #byId: StatementSync
  readonly #after: StatementSync

  constructor(path: string) {
    this.#database = new sqlite.DatabaseSync(path, { readOnly: true, timeout: 5000 })
    this.#byId = this.#database.prepare(`SELECT ${RECEIPT_COLUMNS} FROM receipts WHERE id = ?`)
    this.#after = this.#database.prepare(
      `SELECT ${RECEIPT_COLUMNS} FROM receipts WHERE user = ? AND seq > ? ORDER BY seq LIMIT ?`,
    )
  }

  receipt = (id: string): ReceiptRow | undefined => this.#byId.get(id) as ReceiptRow | undefined

  receiptsAfter = (user: Address, seq: number, limit: number): ReceiptRow[] =>
    this.#after.all(user, seq, limit) as unknown as ReceiptRow[]

  lastSeq(): number {
    const row = this.#database.prepare('SELECT max(seq) AS seq FROM receipts').get()
    return Number(row?.seq ?? 0)
  }

  users = (): UserRow[] => this.#all('SELECT * FROM users')
  exchanges = (): ExchangeRow[] => this.#all('SELECT exchange, delivered FROM exchanges ORDER BY id')
  openSettlements = (): SettlementRow[] => this.#all(`SELECT * FROM settlements WHERE state = 'open'`)

  close(): void {
    this.#database.close()
  }

  #all<T>(sql: string): T[] {
    return this.#database.prepare(sql).all() as unknown as T[]
  }
}
