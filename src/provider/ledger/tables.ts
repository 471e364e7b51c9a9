import type { Address, Hex } from '../../base/hex.ts'
import type { BatchState } from './batches.ts'
import type { SettlementState } from './settlements.ts'

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

/** The highest voucher of a session key, where there is no TEE. */
export interface VoucherRow {
  readonly user: Address
  readonly session_key: Address
  readonly cumulative: string
  readonly signature: Hex
  readonly expiry: number
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

/** What was charged for a key that carries a spending limit. */
export interface KeySpendingRow {
  readonly id: Hex
  readonly user: Address
  readonly day: number
  readonly spent: string
  readonly mac: string
}

/** What a replica holds of limits that all share: of one user, or of one key, or (empty) in all. */
export interface PlaceRow {
  readonly replica: string
  readonly holder: string
  readonly running: number
  readonly tokens: number
  /** Neuron that requests with the key may still cost. */
  readonly amount: string
}

/** What a user took of its minute by all replicas, as of `at`: ms by the database's clock. */
export interface MinuteRow {
  readonly user: Address
  readonly requests: number
  readonly tokens: number
  readonly at: number
}

/** A revocation that some replica saw, until all of them must have seen it. */
export interface RevocationRow {
  readonly user: Address
  readonly generation: number
  /** Hex of the bitmap of revoked keys. */
  readonly revoked: string
  /** ms by the database's clock. */
  readonly at: number
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
  readonly vouchers: VoucherRow
  readonly counters: CounterRow
  readonly replicas: ReplicaRow
  readonly key_spending: KeySpendingRow
  readonly places: PlaceRow
  readonly minutes: MinuteRow
  readonly revocations: RevocationRow
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

export const VOUCHER_COLUMNS = [
  'user',
  'session_key',
  'cumulative',
  'signature',
  'expiry',
  'mac',
] as const satisfies readonly (keyof VoucherRow)[]

export const EPOCH_COLUMNS = [
  'id',
  'epoch',
  'since',
  'place',
  'mac',
] as const satisfies readonly (keyof EpochRow)[]

export const KEY_SPENDING_COLUMNS = [
  'id',
  'user',
  'day',
  'spent',
  'mac',
] as const satisfies readonly (keyof KeySpendingRow)[]
