import type { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Answer } from '../answer.ts'
import type { Piece } from '../answerReader.ts'
import type { FundingHooks } from '../funding/funding.ts'
import type { Offer } from '../offers.ts'
import type { Preferences } from '../routing/preferences.ts'
import type { BodySpec } from './prepareBody.ts'

export interface PurchaseRequest extends BodySpec {
  readonly provider?: Address
  readonly model?: string
  readonly preferences?: Preferences
  /** A retry with the same key joins the running answer and is charged once. */
  readonly idempotencyKey?: string
  /** Sealed to the enclave: `true` or nothing is sent, `false` never; default where its key is proven. */
  readonly private?: boolean
  readonly signal?: AbortSignal
}

export interface PurchaseHooks extends FundingHooks {
  /** Who was chosen, before anything is sent. May refuse by throwing. */
  readonly onOffer?: (offer: Offer, maxCost: bigint) => Promise<void> | void
  /**
   * The attempt that `onOffer` began led to no answer. Follows it before another one begins; what it cost, the error
   * says, and nothing where the request had not been sent.
   */
  readonly onAttemptFailed?: (offer: Offer, error: unknown, wasSent: boolean) => void
  /** What is being done, for people. */
  readonly onStage?: (stage: 'discover' | 'fund' | 'send' | 'verify') => void
  /** A provider failed before its first text. @param next who is asked now, perhaps the same; null: nobody is left */
  readonly onFailover?: (offer: Offer, error: AppError, next: Offer | null) => void
}

/** An answer that has begun. Its pieces have to be read to their end, or given up with `return()`. */
export interface Purchase {
  readonly offer: Offer
  /** The most that it can cost, neuron. */
  readonly maxCost: bigint
  readonly contentType: string
  readonly pieces: AsyncGenerator<Piece, Answer>
}
