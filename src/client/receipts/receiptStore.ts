import type { Outcome } from '../../attestation/verdict.ts'
import type { KnownReceipts } from '../../attestation/verifyAnswer.ts'
import type { Address } from '../../base/hex.ts'
import type { Receipt, SignedReceipt } from '../../protocol/receipt.ts'

/** Whose receipts: one counter of one provider. */
export interface ReceiptAccount {
  readonly chainId: number
  readonly contract: Address
  readonly user: Address
  readonly provider: Address
}

export interface StoredReceipt {
  readonly signed: SignedReceipt
  /** How it came here: with an answer of this machine, or from the broker when the receipts were audited. */
  readonly source: 'answer' | 'audit'
  /**
   * What the check of the answer came to. For what no answer of this machine stands behind: null, or `rejected` where
   * the receipt contradicts itself.
   */
  readonly outcome: Outcome | null
  /** ms */
  readonly savedAt: number
}

/** What an audit adds up, neuron. */
export type ReceiptTotals = Pick<Receipt, 'seq' | 'cumulative' | 'fee'> &
  Pick<StoredReceipt, 'source' | 'outcome'>

/** Keeps receipts for good. Only receipts whose signature was checked are put in. */
export interface ReceiptStore {
  /** What is known beside a receipt with this number. */
  known(account: ReceiptAccount, seq: number): Promise<KnownReceipts>
  /** Adds one; the same receipt twice is kept once, as that of an answer. Durable when the promise resolves. */
  add(receipt: StoredReceipt): Promise<void>
  /** Adds many, all or none. */
  addAll(receipts: readonly StoredReceipt[]): Promise<void>
  /** Receipts of an account by number, one at a time: there may be a million. */
  each(account: ReceiptAccount): AsyncIterable<StoredReceipt>
  /** What they come to, in the same order, and nothing else of them. */
  totals(account: ReceiptAccount): AsyncIterable<ReceiptTotals>
  /** Those of one number: of an honest provider one at most. */
  at(account: ReceiptAccount, seq: number): Promise<readonly SignedReceipt[]>
  /** The same as a list. */
  list(account: ReceiptAccount): Promise<readonly StoredReceipt[]>
  count(account: ReceiptAccount): Promise<number>
  /** The one with the highest number. */
  newest(account: ReceiptAccount): Promise<SignedReceipt | null>
  /** Every account that has receipts of this user on this contract. */
  accounts(owner: Omit<ReceiptAccount, 'provider'>): Promise<readonly ReceiptAccount[]>
}

export const accountOf = ({ chainId, contract, receipt }: SignedReceipt): ReceiptAccount => ({
  chainId,
  contract,
  user: receipt.user,
  provider: receipt.provider,
})
