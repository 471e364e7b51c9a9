import type { Address } from '../base/hex.ts'
import type { SealedHashes } from '../protocol/e2ee/index.ts'
import type { Prices } from '../protocol/pricing.ts'
import type { ReceiptJson, SignedReceipt } from '../protocol/receipt.ts'
import type { TextProof } from '../protocol/textProof.ts'

/** What other receipts of the same user and provider say about the numbers that this one may carry. */
export interface KnownReceipts {
  /** Highest cumulative, in neuron, among known receipts with a lower number; 0 when there is none. */
  readonly floor: bigint
  /** Lowest cumulative less fee, in neuron, among known receipts with a higher number. */
  readonly ceiling: bigint | null
  /** A known receipt with the same number. */
  readonly same: SignedReceipt | null
}

export const NOTHING_KNOWN: KnownReceipts = { floor: 0n, ceiling: null, same: null }

/** The exchange as the client saw it, and what it agreed to. Nothing here comes from the provider's proof. */
export interface Exchange {
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly provider: Address
  readonly user: Address
  /** On chain: who signs receipts. */
  readonly signer: Address
  /** Who signs the text, where that is another enclave than the broker's. */
  readonly textSigner?: Address
  /** From the response header `ZG-Res-Key`. */
  readonly id: string
  readonly endpoint: string
  readonly model: string
  /** Digest of the weights that the provider announced; null where it announced none. */
  readonly modelDigest: string | null
  /** sha256 of the request bytes as sent, 64 hex digits. */
  readonly requestHash: string
  /** Of the content-decoded response bytes. */
  readonly responseHash: string
  readonly responseBytes: number
  /** What stands for both in the signed text, where they were sealed to the enclave. */
  readonly sealed?: SealedHashes
  /** Whether the answer came to its own end. */
  readonly ended: 'complete' | 'partial'
  /** Highest prices agreed to, neuron per unit. Without one for `cachedInput`, that of `input` holds. */
  readonly prices: Prices
  /** The same for a prompt of so many tokens, where longer ones were agreed to cost more. */
  readonly pricesFor?: (promptTokens: number) => Prices
  /** The most that may be counted for what was sent and delivered. */
  readonly bounds: Bounds
  /** sha256 of the evidence that was checked for the signer; null where none was. */
  readonly evidence: string | null
  /** Whether the provider has evidence of its own by now, as its receipt says, that could not be had. */
  readonly isEvidenceOld?: boolean
  /** Client's clock when the answer ended, ms. */
  readonly now: number
}

/** A class that is absent may not be counted at all. */
export interface Bounds {
  readonly input: number
  readonly output: number
  readonly image?: number
  /** Of audio. */
  readonly second?: number
}

export interface AnswerProof {
  readonly text: TextProof | null
  /** As the broker sent it; anything else than a receipt fails. */
  readonly receipt: ReceiptJson | null
}
