import type { Address, Hex } from '../../base/hex.ts'
import type { BatchState } from './batches.ts'
import type { SettlementState } from './ledger.ts'

/** Whose receipts a ledger holds. */
export interface LedgerIdentity {
  readonly chainId: number
  readonly contract: Address
  readonly provider: Address
}

export interface IdentityRow {
  readonly chain_id: number
  readonly contract: Address
  readonly provider: Address
  readonly version: number
  /** Seal of nothing: tells a ledger of another enclave's key from one that was tampered with. */
  readonly key_check: string
}

export interface UserRow {
  readonly user: Address
  readonly charged: string
  readonly last_seq: number
  readonly paid: string
  readonly settled_seq: number
  readonly last_nonce: string
  readonly open: number
  readonly settled: string
  readonly mac: string
}

export interface ReceiptRow {
  readonly seq: number
  readonly id: string
  readonly user: Address
  readonly fee: string
  readonly cumulative: string
  readonly issued_at: number
  readonly detail_hash: Hex
  readonly detail: string
  readonly signature: Hex
}

export interface ExchangeRow {
  readonly id: string
  readonly exchange: string
  readonly delivered: string
  /** The replica that serves it; empty in SQLite, where there is one. */
  readonly replica: string
  readonly mac: string
}

export interface SettlementRow {
  readonly user: Address
  readonly nonce: string
  readonly total_fee: string
  readonly requests_hash: Hex
  readonly signature: Hex
  readonly through_seq: number
  readonly through_total: string
  readonly after_seq: number
  readonly from_block: number
  readonly state: SettlementState
  readonly tx_hash: Hex | null
  readonly paid: string
  readonly block_number: number | null
  readonly block_hash: Hex | null
  readonly mac: string
}

export interface BatchRow {
  readonly number: number
  /** JSON: user, cumulative and number before, of each payer. */
  readonly payers: string
  readonly state: BatchState
  readonly tx_hash: Hex | null
  readonly block_number: number | null
  readonly block_hash: Hex | null
  readonly mac: string
}

/** The epoch whose numbers this ledger gives out, and where it lay when it began. */
export interface EpochRow {
  readonly id: number
  readonly epoch: number
  readonly since: number
  readonly place: string
  readonly mac: string
}

/** The provider's next number, in PostgreSQL: whoever holds its lock is the only writer. */
export interface CounterRow {
  readonly id: number
  readonly last_seq: number
  readonly mac: string
}

/** Brokers on one database. `seen_at` is the database's clock: those of the replicas may differ. */
export interface ReplicaRow {
  readonly id: string
  readonly seen_at: Date
}

export interface Tables {
  readonly identity: IdentityRow
  readonly users: UserRow
  readonly receipts: ReceiptRow
  readonly exchanges: ExchangeRow
  readonly settlements: SettlementRow
  readonly batches: BatchRow
  readonly epochs: EpochRow
  readonly counters: CounterRow
  readonly replicas: ReplicaRow
}

export const USER_COLUMNS = [
  'user',
  'charged',
  'last_seq',
  'paid',
  'settled_seq',
  'last_nonce',
  'open',
  'settled',
  'mac',
] as const satisfies readonly (keyof UserRow)[]

export const RECEIPT_COLUMNS = [
  'seq',
  'id',
  'user',
  'fee',
  'cumulative',
  'issued_at',
  'detail_hash',
  'detail',
  'signature',
] as const satisfies readonly (keyof ReceiptRow)[]

export const EXCHANGE_COLUMNS = [
  'id',
  'exchange',
  'delivered',
  'replica',
  'mac',
] as const satisfies readonly (keyof ExchangeRow)[]

export const SETTLEMENT_COLUMNS = [
  'user',
  'nonce',
  'total_fee',
  'requests_hash',
  'signature',
  'through_seq',
  'through_total',
  'after_seq',
  'from_block',
  'state',
  'tx_hash',
  'paid',
  'block_number',
  'block_hash',
  'mac',
] as const satisfies readonly (keyof SettlementRow)[]

export const BATCH_COLUMNS = [
  'number',
  'payers',
  'state',
  'tx_hash',
  'block_number',
  'block_hash',
  'mac',
] as const satisfies readonly (keyof BatchRow)[]

export const EPOCH_COLUMNS = [
  'id',
  'epoch',
  'since',
  'place',
  'mac',
] as const satisfies readonly (keyof EpochRow)[]
