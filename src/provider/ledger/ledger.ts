import type { Address, Hex } from '../../base/hex.ts'
import type { SealedHashes } from '../../protocol/e2ee/index.ts'
import type { Counts, Multipliers, Prices } from '../../protocol/pricing.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { Batches, Numbers } from './batches.ts'
import type { CountedKey, KeySpending } from './keySpending.ts'
import type { Places } from './places.ts'
import type { Settlements, StoredSettlement } from './settlements.ts'
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

  /** Why nothing is charged any more, and so nothing served, before it is opened again; null as long as all is well. */
  readonly failure: Error | null

  /**
   * Brings what this process has in memory of a user up to what every replica has committed; nothing to wait
   * for where there is one process. To be awaited before `totals` and `openSettlement` decide about money:
   * between it and the charge only what other replicas have in flight is unknown.
   * @param key id of one of the user's keys, before `spent` is asked for it
   * @throws AppError `ledger_failed` with a `failure`: nothing is served that could not be charged
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
  /** Where the contract takes differences. */
  readonly settlements: Settlements
  /** Where it takes cumulative totals. */
  readonly batches: Batches
  readonly numbers: Numbers
  /** Where there is no TEE. */
  readonly vouchers: Vouchers
  /** Where replicas share limits and revocations; null where there is one process. */
  readonly places: Places | null

  close(): Promise<void>
}
