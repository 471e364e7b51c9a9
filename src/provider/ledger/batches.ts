import type { Address, Hex } from '../../base/hex.ts'
import type { BlockRef } from './settlements.ts'

/** One payer of a batch, neuron. */
export interface BatchPayer {
  readonly user: Address
  /** Asked for in all: everything charged when the batch took its number, less what deltas took. */
  readonly cumulative: bigint
  /** Receipts up to this number were paid before. */
  readonly afterSeq: number
}

export type BatchState =
  /** Has its number, perhaps a transaction: whether the chain took it is not known yet. */
  | 'open'
  /** Mined, and booked as the chain took it; a reorganisation may still undo that. */
  | 'done'
  /** So deep in the chain that it is not looked at again. */
  | 'final'
  /** Never sent, or gone from the chain. What it asked for is in the next one: it can only be paid once. */
  | 'void'

export interface StoredBatch {
  readonly number: number
  /** Empty once it is final or void. */
  readonly payers: readonly BatchPayer[]
  readonly state: BatchState
  /** Noted before it was sent; null where there was none. */
  readonly txHash: Hex | null
  /** Where the chain's word was read, once it is done. */
  readonly block: BlockRef | null
}

/** What a user owes, neuron. */
export interface Owing {
  readonly user: Address
  readonly amount: bigint
  /** What batches took in all, as it is booked. */
  readonly settled: bigint
}

/** What batches took of users in all, neuron. */
export type SettledTotals = ReadonlyMap<Address, bigint>

/**
 * Settlement by cumulative totals. The contract pays each neuron once whatever is sent how often, so a batch is
 * stored for two things only: its number, which no receipt may have too, and whom to look at when its transaction
 * is found again, or gone.
 */
export interface Batches {
  /** Users who owe at least `minimum` and have no delta open. */
  owing(minimum: bigint): Promise<Owing[]>
  /**
   * Takes the provider's next number: above that of every receipt that it covers, below that of every later one.
   * Every charge that it asks for is on disk when it resolves. Users without sound rows are left out.
   */
  open(users: readonly Address[]): Promise<StoredBatch>
  /** Those about which the last word is not said: open or done, in order. */
  unfinished(): Promise<StoredBatch[]>
  markSent(number: number, txHash: Hex): Promise<void>
  /** Books what the chain took of its payers in all. Never lowers anything. */
  book(number: number, settled: SettledTotals, found: { txHash: Hex | null; block: BlockRef }): Promise<void>
  /** A reorganisation took its block: what the chain says as of another one counts, and the rest is owed again. */
  rebook(number: number, settled: SettledTotals, block: BlockRef): Promise<void>
  markFinal(number: number): Promise<void>
  markVoid(number: number): Promise<void>
  /** Counts what the chain took beyond this ledger: charges that it has forgotten are paid, and not asked for again. */
  adopt(user: Address, settled: bigint): Promise<void>
  /** Counts charges that this ledger has forgotten and their payer has not, neuron in all: they are owed. */
  raise(user: Address, charged: bigint): Promise<void>
}

/** Where a provider's numbers stand, and which ledger it is that gives them out. */
export interface Numbers {
  /** The highest that was given out. */
  last(): Promise<number>
  /** The epoch that this ledger gives numbers of, null in a new one. */
  epoch(): Promise<EpochMark | null>
  /** Begins an epoch here: the next number is its first one, or above what was given out. */
  enter(epoch: number, since: number): Promise<void>
  /** No number below this is given out any more. */
  skipTo(number: number): Promise<void>
}

export interface EpochMark {
  readonly epoch: number
  /** When it began here, unix seconds. */
  readonly since: number
  /** Whether it began in this very file or database: a copy has the same rows and lies elsewhere. */
  readonly isHere: boolean
}
