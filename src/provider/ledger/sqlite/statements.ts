import { bind, type Prepared, prepare, type SqliteValue, slotRow } from '../prepare.ts'
import {
  endExchange,
  insertReceipts,
  putBatches,
  putEpoch,
  putExchange,
  putKeySpending,
  putSettlements,
  putUsers,
  putVoucher,
} from '../queries.ts'
import {
  BATCH_COLUMNS,
  type BatchRow,
  EPOCH_COLUMNS,
  type EpochRow,
  EXCHANGE_COLUMNS,
  type ExchangeRow,
  KEY_SPENDING_COLUMNS,
  type KeySpendingRow,
  RECEIPT_COLUMNS,
  type ReceiptRow,
  SETTLEMENT_COLUMNS,
  type SettlementRow,
  USER_COLUMNS,
  type UserRow,
  VOUCHER_COLUMNS,
  type VoucherRow,
} from '../tables.ts'

/** Everything that is ever written, by name; the writer thread prepares each once. */
const WRITES = {
  insertReceipt: prepare((db) => insertReceipts(db, slotRow<ReceiptRow>(RECEIPT_COLUMNS))),
  putUser: prepare((db) => putUsers(db, slotRow<UserRow>(USER_COLUMNS))),
  putExchange: prepare((db) => putExchange(db, slotRow<ExchangeRow>(EXCHANGE_COLUMNS))),
  endExchange: prepare((db, { id }: { readonly id: string }) => endExchange(db, id)),
  putSettlement: prepare((db) => putSettlements(db, slotRow<SettlementRow>(SETTLEMENT_COLUMNS))),
  putBatch: prepare((db) => putBatches(db, slotRow<BatchRow>(BATCH_COLUMNS))),
  putKeySpending: prepare((db) => putKeySpending(db, slotRow<KeySpendingRow>(KEY_SPENDING_COLUMNS))),
  putVoucher: prepare((db) => putVoucher(db, slotRow<VoucherRow>(VOUCHER_COLUMNS))),
  putEpoch: prepare((db) => putEpoch(db, slotRow<EpochRow>(EPOCH_COLUMNS))),
} satisfies Record<string, Prepared>

type WriteName = keyof typeof WRITES

interface WriteValues {
  readonly insertReceipt: ReceiptRow
  readonly putUser: UserRow
  readonly putExchange: ExchangeRow
  readonly endExchange: { readonly id: string }
  readonly putSettlement: SettlementRow
  readonly putBatch: BatchRow
  readonly putKeySpending: KeySpendingRow
  readonly putVoucher: VoucherRow
  readonly putEpoch: EpochRow
}

/** One write: a statement's name and its parameters. */
export type Write = readonly [name: WriteName, ...parameters: SqliteValue[]]

export const write = <Name extends WriteName>(name: Name, values: WriteValues[Name]): Write => [
  name,
  ...bind(WRITES[name], values),
]

/** What the writer thread prepares: text by name. */
export const WRITE_TEXTS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(WRITES).map(([name, { sql }]) => [name, sql]),
)
