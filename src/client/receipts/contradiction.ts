import { malformedEvidence } from '../../attestation/malformed.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import {
  type ReceiptJson,
  receiptDigest,
  receiptFromJson,
  receiptToJson,
  recoverReceipt,
  type SignedReceipt,
} from '../../protocol/receipt.ts'

/** Statements of one signer that contradict each other: what the contract takes as a proof, and nothing else. */
export interface Contradiction {
  /** `receipts`: two carry one number and differ. `settlement`: the chain settled more than a later receipt says. */
  readonly kind: 'receipts' | 'settlement'
  readonly chainId: number
  readonly contract: Address
  readonly provider: Address
  readonly signer: Address
  /** Two, or the one that contradicts the settlement. */
  readonly receipts: readonly SignedReceipt[]
}

const isBy = (signed: SignedReceipt, signer: Address): boolean => {
  const recovered = recoverReceipt(signed)
  return recovered !== null && sameAddress(recovered, signer)
}

/** One receipt, or two that contradict each other; null for what proves nothing. */
export function contradictionOf(receipts: readonly SignedReceipt[]): Contradiction | null {
  const [one, two] = receipts
  const signer = one ? recoverReceipt(one) : null
  if (!one || signer === null) return null
  const { chainId, contract, receipt } = one
  const common = { chainId, contract, provider: receipt.provider, signer, receipts }
  if (!two) return { kind: 'settlement', ...common }
  const isOneNumber =
    two.chainId === chainId &&
    sameAddress(two.contract, contract) &&
    sameAddress(two.receipt.provider, receipt.provider) &&
    two.receipt.seq === receipt.seq
  const differs = receiptDigest(chainId, contract, receipt) !== receiptDigest(chainId, contract, two.receipt)
  return isOneNumber && differs && isBy(two, signer) ? { kind: 'receipts', ...common } : null
}

/** A dispute file: the receipts as they were signed. Everything else is computed from them. */
export const writeDispute = ({ receipts }: Contradiction): string =>
  `${JSON.stringify({ v: 1, receipts: receipts.map(receiptToJson) }, null, 2)}\n`

/**
 * Receipts in a file: of a dispute, or a single one as `receipts show --json`, `infer --json` and brokers write it.
 * @throws AppError `evidence_malformed` (exit 30)
 */
export function readReceipts(text: string): SignedReceipt[] {
  try {
    const value = JSON.parse(text) as { v?: unknown; receipts?: unknown } | null
    if (Array.isArray(value?.receipts)) return value.receipts.map(receiptFromJson)
    return [receiptFromJson(receiptIn(value))]
  } catch (error) {
    throw malformedEvidence('the file holds no receipt', error)
  }
}

/** An answer carries its receipt; a receipt's own field of that name is what was signed of it. */
function receiptIn(value: unknown): unknown {
  const inner = (value as { receipt?: ReceiptJson } | null)?.receipt
  return inner?.receipt ? inner : value
}
