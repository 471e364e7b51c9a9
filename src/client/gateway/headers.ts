import { firstFailure } from '../../attestation/verdict.ts'
import type { Answer } from '../answer.ts'
import type { Purchase } from '../purchase/purchases.ts'

/** What is known when an answer begins. */
export const offerHeaders = ({
  offer,
  maxCost,
}: Pick<Purchase, 'offer' | 'maxCost'>): Record<string, string> => ({
  'x-0g-provider': offer.service.provider,
  'x-0g-model': headerText(offer.model),
  'x-0g-max-cost': maxCost.toString(),
})

/** What is known when it is over: verdict, what stands behind it, fee in neuron, the id that its receipt is kept under. */
export const answerHeaders = ({
  verdict,
  fee,
  id,
  sealed,
  auth,
  firstTextMs,
  beforeMs,
}: Answer): Record<string, string> => ({
  'x-0g-verdict': verdict.outcome,
  'x-0g-assurance': verdict.assurance,
  'x-0g-fee': fee?.toString() ?? 'unknown',
  'x-0g-receipt': headerText(id),
  'x-0g-sealed': String(sealed),
  'x-0g-auth': auth,
  ...(firstTextMs !== null && { 'x-0g-first-text-ms': String(Math.round(firstTextMs)) }),
  'x-0g-before-ms': String(Math.round(beforeMs)),
  ...(firstFailure(verdict) && { 'x-0g-failed-step': firstFailure(verdict)!.name }),
})

export const ANSWER_HEADERS = [
  'x-0g-verdict',
  'x-0g-assurance',
  'x-0g-fee',
  'x-0g-receipt',
  'x-0g-sealed',
  'x-0g-auth',
  'x-0g-first-text-ms',
  'x-0g-before-ms',
  'x-0g-failed-step',
] as const

/** A stranger's text has no control characters in a header. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
