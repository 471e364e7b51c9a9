import { AppError } from '../../base/errors.ts'
import type { ReceiptDetail } from '../../protocol/receipt.ts'
import type { Delivered, Exchange } from './ledger.ts'

/** Bounds of the contract's types. */
const UINT96_END = 2n ** 96n
const UINT48_END = 2 ** 48

/**
 * What was delivered, as the receipt commits to it.
 * @param salt 16 random bytes in hex
 */
export function receiptDetail(
  exchange: Exchange,
  delivered: Delivered,
  status: 'complete' | 'partial',
  salt: string,
): ReceiptDetail {
  const prices: ReceiptDetail['prices'] = Object.fromEntries(
    Object.entries(exchange.prices).map(([unit, price]) => [unit, price.toString()]),
  )
  const isMedia = 'image' in prices || 'second' in prices
  return {
    v: isMedia ? (exchange.sealed ? 4 : 3) : exchange.sealed ? 2 : 1,
    salt,
    id: exchange.id,
    endpoint: exchange.endpoint,
    model: exchange.model,
    modelDigest: exchange.modelDigest,
    requestHash: exchange.requestHash,
    responseHash: delivered.responseHash,
    responseBytes: delivered.responseBytes,
    status,
    counts: delivered.counts,
    prices,
    multipliers: exchange.multipliers,
    evidence: exchange.evidence,
    ...(exchange.sealed && { sealed: { ...exchange.sealed, responseHash: delivered.sealedHash! } }),
  }
}

/** @throws AppError `charge_out_of_range` for what the contract could not hold */
export function assertFits(seq: number, cumulative: bigint): void {
  if (seq < UINT48_END && cumulative < UINT96_END) return
  throw new AppError({ code: 'charge_out_of_range', message: 'The charge does not fit a receipt' })
}
