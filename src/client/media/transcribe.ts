import { parseReceiptDetail } from '../../attestation/receiptDetail.ts'
import type { Answer } from '../answer.ts'
import type { PurchaseHooks, PurchaseRequest } from '../purchase/purchase.ts'
import type { Purchases } from '../purchase/purchases.ts'
import { readWhole } from '../purchase/readWhole.ts'
import type { Form } from './form.ts'
import { recordingFile } from './recording.ts'
import { type Segment, segmentsIn } from './subtitles.ts'

/** As OpenAI's API names them. */
export const TRANSCRIPT_FORMATS = ['verbose_json', 'json', 'text', 'srt', 'vtt'] as const

export interface TranscriptionRequest
  extends Omit<PurchaseRequest, 'endpoint' | 'body' | 'form' | 'limitsTokens'> {
  /** WAV, MP3, MP4, Ogg, FLAC or WebM, up to 25 MiB. */
  readonly recording: Uint8Array
  /** What is spoken, as ISO 639-1 has it: `en`. */
  readonly language?: string
  /** Words that come up, or the text before. */
  readonly prompt?: string
  readonly temperature?: number
  /** How the model answers; default `verbose_json`, in which it says what it heard when. */
  readonly format?: (typeof TRANSCRIPT_FORMATS)[number]
}

/** What was heard, paid and verified. Amounts in neuron. */
export interface Transcription extends Answer {
  /** Begun seconds that were billed, by the receipt; null without one. */
  readonly seconds: number | null
  /** What was said when, where the model says so. */
  readonly segments: readonly Segment[]
  /** The answer as the model gave it. */
  readonly document: string
}

/**
 * Speech to text. The verdict may be `rejected`, among other reasons because more seconds were billed than the recording
 * has: look at it before using the text.
 * @throws AppError `recording_empty`, `recording_too_large`, `recording_format_unknown`, and those of every purchase
 */
export async function transcribe(
  purchases: Purchases,
  request: TranscriptionRequest,
  hooks: PurchaseHooks = {},
): Promise<Transcription> {
  const { recording, language, prompt, temperature, format = 'verbose_json', ...purchase } = request
  const fields = { response_format: format, language, prompt, temperature: temperature?.toString() }
  const form: Form = [
    ...Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
    ['file', recordingFile(recording)],
  ]
  const bought = {
    ...purchase,
    endpoint: '/v1/audio/transcriptions',
    body: {},
    form,
    limitsTokens: false,
  } as const
  const { pieces } = await purchases.buy(bought, hooks)
  const { body, answer } = await readWhole(pieces)
  const document = new TextDecoder().decode(body)
  const detail = answer.receipt && parseReceiptDetail(answer.receipt.detail)
  return { ...answer, seconds: detail?.counts.second ?? null, segments: segmentsIn(document), document }
}
