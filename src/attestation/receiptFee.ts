import { HIDDEN_TOKENS } from '../protocol/generated.ts'
import { feeOf, type Prices } from '../protocol/pricing.ts'
import type { ReceiptDetail } from '../protocol/receipt.ts'

/** Prices that a receipt names, neuron a unit. */
export const pricesOf = ({ prices }: ReceiptDetail): Prices =>
  Object.fromEntries(Object.entries(prices).map(([unit, price]) => [unit, BigInt(price)]))

/** What a receipt's counts and prices give, neuron; null where something counted has no price. */
export function feeByDetail(detail: ReceiptDetail): bigint | null {
  try {
    return feeOf(detail.counts, pricesOf(detail), detail.multipliers)
  } catch {
    return null
  }
}

/** Whether tokens were counted that no byte carried. Of an answer that was cut, some may be lost on the way. */
export const countsMoreThanCame = ({ status, counts, responseBytes }: ReceiptDetail): boolean =>
  status === 'complete' && (counts.output ?? 0) > responseBytes + HIDDEN_TOKENS
