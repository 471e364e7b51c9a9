import type { Address, Hex } from '../../base/hex.ts'
import type { TeeSettlementEntry } from '../../chain/inference.ts'
import type { SealedHashes } from '../../protocol/e2ee/index.ts'
import type { Counts, Multipliers, Prices } from '../../protocol/pricing.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { Batches, Numbers } from './batches.ts'
import type { CountedKey, KeySpending } from './keySpending.ts'
import type { Places } from './places.ts'
import type { Vouchers } from './vouchers.ts'

/** What is known of an exchange when it is admitted. */
export interface Exchange {
  /** 32 lower-case hex digits. */
  readonly id: string
  /** The id was just drawn at random: nothing can have been charged under it. */
  readonly isNew?: true
  readonly user: Address
  /** Path below `/v1/proxy`, e.g. `/v1/chat/completions`. */
  readonly endpoint: string
  readonly model: string
  readonly modelDigest: string | null
  /** sha256 of the request body as received, 64 hex digits. */
  readonly requestHash: string
  /** In force at admission, neuron per unit. */
  readonly prices: Prices
  readonly multipliers: Multipliers
  /** sha256 of the statement that quotes are bound to (`QuoteDesk.digest`), 64 hex digits. */
  readonly evidence: string
  /** The key that it was asked with, where that carries a spending limit. */
  readonly key?: CountedKey
  /** For an exchange that is sealed to the enclave. */
  readonly sealed?: Omit<SealedHashes, 'responseHash'>
}

/** What was handed to the socket so far. */
export interface Delivered {
  readonly responseHash: string
  readonly responseBytes: number
  readonly counts: Counts
  /** What stands for the response in the text proof of a sealed exchange. */
  readonly sealedHash?: string
}

/** Money of one user at this provider, neuron. Owed = charged - paid. */
export interface UserTotals {
  readonly user: Address
  /** Everything ever charged: the `cumulative` of the user's latest receipt. */
  readonly charged: bigint
  /** Taken on chain. */
  readonly paid: bigint
}

/** What can be settled for a user: every charge up to and including `throughSeq` that is not paid. */
export interface Due {
  readonly user: Address
  readonly amount: bigint
  readonly throughSeq: number
  /** sha256 over the detail hashes, in order of their numbers, of the receipts that are not paid in full. */
  readonly requestsHash: Hex
}

export type SettlementState =
  /** Signed and stored, perhaps sent. Resent as the same bytes until the chain answers. */
  | 'open'
  /** The chain took its nonce: `paid` says how much it paid. */
  | 'done'
  /** Paid, and so deep in the chain that it is not looked at again. */
  | 'final'
  /** The chain will never take it (nonce used up elsewhere); the amount is owed again. */
  | 'void'

/** An entry as it is stored before it is sent. */
export interface NewSettlement {
  readonly entry: TeeSettlementEntry
  readonly throughSeq: number
  /** The chain's head when the entry was signed: no earlier block can hold it. */
  readonly fromBlock: number
}

export interface StoredSettlement extends NewSettlement {
  readonly state: SettlementState
  /** The newest transaction that carries it, noted before it was sent; null when there was none. */
  readonly txHash: Hex | null
  readonly paid: bigint
  /** Receipts up to this number were paid before it. */
  readonly afterSeq: number
  /** What is paid in all, neuron, once it is paid in full. */
  readonly throughTotal: bigint
  /** Where it was mined, while a reorganisation may still undo it. */
  readonly block: BlockRef | null
}

export interface BlockRef {
  readonly number: number
  readonly hash: Hex
}

/** What is not settled yet. Times are those of the oldest receipt that is not paid in full, unix seconds, or null. */
export interface Unsettled {
  /** Owed by all users, neuron. */
  readonly owed: bigint
  readonly oldestIssuedAt: number | null
  /** Among users who owe at least the minimum: what should be on chain within ten minutes. */
  readonly oldestDueAt: number | null
}

/** What tells how much of a user's charges is out of an account's balance as it was read. */
export interface SeenAccount {
  readonly nonce: bigint
  /** By batches in all, neuron; absent on contracts that have none. */
  readonly settled?: bigint
}

/** The right to settle, one holder at a time. */
export interface SettlingTurn {
  end(): Promise<void>
}

/**
 * The durable record of charges. Every promise resolves after the transaction is on disk (full sync); calls
 * made at the same time share one. Addresses come back in lower case. A row that the enclave did not write stops
 * its payer with `ledger_row_tampered`, and nobody else.
 */
export interface Ledger {
  /** Remembers how far a stream has come, so that a crash bills at most this. */
  checkpoint(exchange: Exchange, delivered: Delivered): Promise<void>
  /**
   * Moves the user's counter, takes the provider's next number and issues the receipt, in one transaction.
   * An exchange is charged once: a second call answers the first receipt, whichever replica made it.
   */
  charge(exchange: Exchange, delivered: Delivered, status: 'complete' | 'partial'): Promise<SignedReceipt>
  /** Ends an exchange without a charge: nothing was delivered. */
  discard(id: string): Promise<void>
  /**
   * Charges, as partial, every exchange that a crash left behind at its last checkpoint. Exchanges of a living
   * process are never touched, so it may be called at any time; it belongs before the first request.
   */
  recover(): Promise<SignedReceipt[]>

  /**
   * Brings what this process has in memory of a user up to what every replica has committed; nothing to wait
   * for where there is one process. To be awaited before `totals` and `openSettlement` decide about money:
   * between it and the charge only what other replicas have in flight is unknown.
   * @param key id of one of the user's keys, before `spent` is asked for it
   */
  refresh(user: Address, key?: Hex): Promise<void> | undefined
  /** From memory. Counts a charge from the moment it is made, before it is on disk. */
  totals(user: Address): UserTotals
  /** From memory: what is still to be taken from an account as it was read, neuron. @see owedOf */
  owed(user: Address, seen: SeenAccount): bigint
  /**
   * From memory: what was charged for a key in the period that runs, neuron.
   * @throws AppError `ledger_row_tampered`
   */
  spent(key: CountedKey): bigint
  /** What was charged for each key of a user that carries a limit, in the period that runs. */
  keySpending(user: Address): Promise<KeySpending[]>
  /** From memory: the newest open settlement of one user, or null. */
  openSettlement(user: Address): StoredSettlement | null
  receipt(id: string): Promise<SignedReceipt | null>
  /** A user's receipts with numbers above `after`, ascending. */
  receipts(user: Address, after: number, limit: number): Promise<SignedReceipt[]>

  /** The turn to settle, or null while another replica has it. Settling is correct without it, only wasteful. */
  takeTurn(): Promise<SettlingTurn | null>
  /** @param minimum neuron; default 1 */
  unsettled(minimum?: bigint): Promise<Unsettled>
  /** Users without an open settlement who owe at least `minimum`, durable charges only. */
  due(minimum: bigint): Promise<Due[]>
  openSettlements(): Promise<StoredSettlement[]>
  /** The nonce of the user's newest settlement here, 0 when there is none. */
  lastNonce(user: Address): Promise<bigint>
  /** At most one open settlement a user, with a nonce above every earlier one. @throws AppError `settlement_out_of_order` */
  storeSettlements(settlements: readonly NewSettlement[]): Promise<void>
  /** The same entry under another signature: the enclave's key changed. Whichever is taken pays once. */
  replaceSignature(key: SettlementKey, signature: Hex): Promise<void>
  markSent(keys: readonly SettlementKey[], txHash: Hex): Promise<void>
  /**
   * The chain paid `paid` of the entry and took its nonce; what it did not pay stays owed. Without a block it is
   * final at once.
   */
  markDone(key: SettlementKey, paid: bigint, txHash: Hex, block?: BlockRef): Promise<void>
  /** Another entry used the nonce up: this one can never be paid, its amount is owed again. */
  markVoid(key: SettlementKey): Promise<void>
  /** Paid, but perhaps not for good: what `markFinal` or `reopen` has to decide. */
  recentPayments(): Promise<StoredSettlement[]>
  markFinal(keys: readonly SettlementKey[]): Promise<void>
  /** A reorganisation took the payment back: the same entry is open again, and its amount owed. */
  reopen(key: SettlementKey): Promise<void>
  /** Counts what the chain took by entries that this ledger does not know, up to `nonce`. Once for each nonce. */
  adopt(user: Address, payment: { readonly paid: bigint; readonly nonce: bigint }): Promise<void>

  /** Where the contract takes cumulative totals. */
  readonly batches: Batches
  readonly numbers: Numbers
  /** Where there is no TEE. */
  readonly vouchers: Vouchers
  /** Where replicas share limits and revocations; null where there is one process. */
  readonly places: Places | null

  close(): Promise<void>
}

export interface SettlementKey {
  readonly user: Address
  readonly nonce: bigint
}
