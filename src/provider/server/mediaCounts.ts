import { imagesIn } from '../../protocol/generated.ts'
import type { Counts } from '../../protocol/pricing.ts'
import type { InferenceRequest } from './inferenceRequest.ts'
import { parseAnswer } from './meter.ts'

interface MediaAnswer {
  readonly data?: unknown
  readonly duration?: unknown
  readonly usage?: { readonly seconds?: unknown } | null
}

/**
 * What an answer without tokens counts: the images in it, or the seconds of audio that the engine says it heard, but
 * never more than was set aside. Null where the answer says neither.
 */
export function mediaCounts(answer: Buffer, { kind, most }: InferenceRequest): Counts | null {
  const body = parseAnswer(answer.toString('utf8')) as MediaAnswer | null
  if (kind !== 'audio/transcriptions') {
    return Array.isArray(body?.data) ? { image: Math.min(imagesIn(body.data), most?.image ?? 0) } : null
  }
  const heard = secondsOf(body?.usage?.seconds) ?? secondsOf(body?.duration)
  return heard === null ? null : { second: Math.min(heard, most?.second ?? 0) }
}

/** `verbose_json` of older servers has the number as text. */
function secondsOf(value: unknown): number | null {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : null
}
