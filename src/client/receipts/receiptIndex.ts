import { type KnownReceipts, NOTHING_KNOWN } from '../../attestation/verifyAnswer.ts'
import { larger } from '../../base/bigint.ts'
import { receiptDigest, type SignedReceipt } from '../../protocol/receipt.ts'
import type { StoredReceipt } from './receiptStore.ts'

/** Receipts of one account in memory, by number. */
export class ReceiptIndex {
  /** Ascending; receipts that share a number, which no honest provider makes, stand side by side. */
  readonly #sorted: StoredReceipt[] = []

  get all(): readonly StoredReceipt[] {
    return this.#sorted
  }

  /** @returns false when it was there already */
  add(stored: StoredReceipt): boolean {
    const { seq } = stored.signed.receipt
    let at = this.#firstFrom(seq)
    for (; this.#sorted[at]?.signed.receipt.seq === seq; at++) {
      if (!isSame(this.#sorted[at]!.signed, stored.signed)) continue
      if (this.#sorted[at]!.source === 'audit') this.#sorted[at] = stored
      return false
    }
    this.#sorted.splice(at, 0, stored)
    return true
  }

  known(seq: number): KnownReceipts {
    if (this.#sorted.length === 0) return NOTHING_KNOWN
    const from = this.#firstFrom(seq)
    let floor = 0n
    let ceiling: bigint | null = null
    let same: SignedReceipt | null = null
    for (const [index, { signed }] of this.#sorted.entries()) {
      const { cumulative, fee } = signed.receipt
      if (index < from) floor = larger(floor, cumulative)
      else if (signed.receipt.seq === seq) same ??= signed
      else if (ceiling === null || cumulative - fee < ceiling) ceiling = cumulative - fee
    }
    return { floor, ceiling, same }
  }

  /** Position of the first receipt whose number is not below `seq`. */
  #firstFrom(seq: number): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#sorted[middle]!.signed.receipt.seq < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}

const isSame = (a: SignedReceipt, b: SignedReceipt): boolean =>
  receiptDigest(a.chainId, a.contract, a.receipt) === receiptDigest(b.chainId, b.contract, b.receipt)
