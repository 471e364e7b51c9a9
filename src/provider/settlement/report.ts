import type { AppError } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'

/** One entry that the chain took. Neuron. */
export interface Payment {
  readonly user: Address
  /** Of the entry; in a batch its number. */
  readonly nonce: bigint
  readonly paid: bigint
  /** What the account could not pay; still owed. */
  readonly unsettled: bigint
  readonly txHash: Hex
}

/** Why a user's money waits. */
export type WaitReason =
  /** The provider has no service, or another signer, on chain. */
  | 'service_mismatch'
  /** The contract's owner has not acknowledged the signer. */
  | 'service_not_acknowledged'
  | 'account_missing'
  | 'account_empty'
  | 'account_not_acknowledged'
  /** The payer's vouchers pay for it, until a signer is acknowledged anew. */
  | 'settled_by_vouchers'
  /** An enclave's batches took from the account before: it takes no vouchers. */
  | 'settled_by_batches'
  /** The payer signed for no more than what was taken. */
  | 'voucher_missing'
  /** The chain took entries of this provider that the ledger does not know, and its logs do not show them yet. */
  | 'chain_ahead'
  /** Sent; whether the chain took it is not known yet. */
  | 'outcome_unknown'
  /** The chain refused it; the log has the status. */
  | 'refused'

export interface Waiting {
  readonly user: Address
  readonly reason: WaitReason
}

export interface SettlementTransaction {
  readonly txHash: Hex
  readonly gasUsed: bigint
  readonly payers: number
  /** Neuron. */
  readonly paid: bigint
}

/** What one run did. Nothing that is missing here is lost: what was not paid stays owed. */
export interface SettlementReport {
  readonly payments: readonly Payment[]
  readonly transactions: readonly SettlementTransaction[]
  readonly waiting: readonly Waiting[]
  /** Paid in this run, neuron. */
  readonly paid: bigint
  /** What ended the run early; it is tried again by itself. */
  readonly problem: AppError | null
}

/** Collects what a run does. */
export class ReportBuilder {
  readonly #payments: Payment[] = []
  readonly #transactions: SettlementTransaction[] = []
  readonly #waiting = new Map<Address, WaitReason>()

  addPayment(payment: Payment): void {
    this.#payments.push(payment)
    this.#waiting.delete(payment.user)
  }

  addTransaction(txHash: Hex, gasUsed: bigint): void {
    const payments = this.#payments.filter((payment) => payment.txHash === txHash)
    this.#transactions.push({ txHash, gasUsed, payers: payments.length, paid: sum(payments) })
  }

  addWaiting(user: Address, reason: WaitReason): void {
    this.#waiting.set(user, reason)
  }

  build(problem: AppError | null): SettlementReport {
    return {
      payments: this.#payments,
      transactions: this.#transactions,
      waiting: [...this.#waiting].map(([user, reason]) => ({ user, reason })),
      paid: sum(this.#payments),
      problem,
    }
  }
}

const sum = (payments: readonly Payment[]): bigint => payments.reduce((total, { paid }) => total + paid, 0n)
