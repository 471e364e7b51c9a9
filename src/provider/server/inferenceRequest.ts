import { AppError } from '../../base/errors.ts'
import { HEADER, parseMaxPrice } from '../../protocol/headers.ts'
import type { Counts, Prices, UnitClass } from '../../protocol/pricing.ts'
import { promptsIn } from '../../protocol/promptsIn.ts'
import { CHOICE_FIELDS, LENGTH_FIELDS, N_PREDICT } from '../../protocol/requestFields.ts'
import type { EngineModel } from '../engine/engine.ts'
import type { InferenceKind, TokenKind } from './route.ts'

/** A request body as far as the broker needs it. */
export interface InferenceRequest {
  readonly kind: InferenceKind
  readonly model: EngineModel
  readonly stream: boolean
  /** Most tokens that the engine may generate for this request. */
  readonly maxOutputTokens: number
  /** Answers asked for; `maxOutputTokens` covers all of them. */
  readonly choices: number
  /** The most that it can count where no tokens are sold, images or seconds of audio; else null. */
  readonly most: Counts | null
  /** Whether that is what it counts: uncompressed audio says so before it is heard. */
  readonly isExact?: boolean
  /** Parsed body, for the engine's tokenizer. */
  readonly body: Readonly<Record<string, unknown>> & { readonly model: string }
  /** What goes to the engine: the client's own bytes unless usage had to be asked for. */
  readonly forward: Buffer
  /** Of the body as the client wrote it. */
  readonly bodyBytes: number
  readonly contentType: string
}

const ENGINE_KIND = {
  'chat/completions': 'chat',
  completions: 'completion',
  embeddings: 'embedding',
  messages: 'messages',
  'images/generations': 'image',
  'images/edits': 'image',
  'audio/transcriptions': 'transcription',
} as const

/**
 * Checks the JSON of a request for tokens.
 * @param raw the same as bytes
 * @throws AppError `body_invalid` (400), `model_not_found` (404)
 */
export function readInferenceRequest(
  kind: TokenKind,
  raw: Buffer,
  body: Record<string, unknown>,
  models: readonly EngineModel[],
): InferenceRequest {
  const model = findModel(body.model, kind, models)
  const stream = booleanField(body, 'stream') && kind !== 'embeddings'
  const asksUsage = stream && kind !== 'messages'
  const { forward, changed } = withUsage(body, asksUsage, model.id)
  const output = maxOutputTokens(kind, body, model)
  const choices = Math.max(...CHOICE_FIELDS.map((field) => countField(body, field) ?? 1)) * promptsIn(body)
  return {
    kind,
    model,
    stream,
    maxOutputTokens: kind === 'embeddings' ? 0 : output * choices,
    choices,
    most: null,
    body: { ...body, model: model.id },
    forward: changed ? Buffer.from(JSON.stringify(forward)) : raw,
    bodyBytes: raw.length,
    contentType: 'application/json',
  }
}

/**
 * Refuses a request whose sender would pay less than the price.
 * @throws AppError `price_changed` (409), `header_invalid` (400)
 */
export function assertPriceAccepted(header: string | undefined, prices: Prices): void {
  if (header === undefined) return
  const accepted = parseMaxPrice(header)
  if (!accepted) throw invalid('header_invalid', `The header ${HEADER.maxPrice} is malformed`)
  const units = Object.keys(prices) as UnitClass[]
  // Cached prompt tokens never cost more than others.
  if (units.every((unit) => unit === 'cachedInput' || prices[unit]! <= (accepted[unit] ?? 0n))) return
  throw new AppError({
    code: 'price_changed',
    message: 'The price is higher than the one that the request accepts',
    hint: 'Nothing was charged. Look at the price again, then repeat',
    next: '0g-compute provider list',
    retryable: true,
    status: 409,
    details: Object.fromEntries(units.map((unit) => [unit, prices[unit]!.toString()])),
  })
}

/** @throws AppError `json_invalid`, `body_invalid` (400) */
export function parseObject(raw: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(raw.toString('utf8'))
  } catch {
    throw invalid('json_invalid', 'The request body is not JSON')
  }
  if (!isObject(value)) throw invalid('body_invalid', 'The request body is not a JSON object')
  return value
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws AppError `model_not_found` (404), `body_invalid` (400) */
export function findModel(name: unknown, kind: InferenceKind, models: readonly EngineModel[]): EngineModel {
  const fitting = models.filter((model) => model.kinds.includes(ENGINE_KIND[kind]))
  if (name !== undefined && typeof name !== 'string') throw invalidBody('"model" is not a string')
  const model = name === undefined ? fitting[0] : fitting.find((candidate) => candidate.id === name)
  if (model) return model
  throw new AppError({
    code: 'model_not_found',
    message: name === undefined ? `No model here serves ${kind}` : `This provider does not serve "${name}"`,
    hint: `Models for ${kind}: ${fitting.map((m) => m.id).join(', ') || 'none'}`,
    next: '0g-compute provider list',
    status: 404,
  })
}

function maxOutputTokens(kind: TokenKind, body: Record<string, unknown>, model: EngineModel): number {
  const asked = lengthNames(kind).flatMap((name) => countField(body, name) ?? [])
  if (asked.length === 0) return model.contextLength
  return Math.min(Math.max(...asked, countField(body, N_PREDICT) ?? 0), model.contextLength)
}

const lengthNames = (kind: InferenceKind): readonly string[] =>
  kind === 'messages' ? ['max_tokens'] : LENGTH_FIELDS

/** The same request for fewer tokens: `cap` for each choice. */
export function withOutputCap(request: InferenceRequest, cap: number): InferenceRequest {
  const forward = JSON.parse(request.forward.toString('utf8')) as Record<string, unknown>
  const isThere = (name: string) => forward[name] !== undefined && forward[name] !== null
  const names = lengthNames(request.kind).filter(isThere)
  if (names.length === 0) names.push('max_tokens')
  if (isThere(N_PREDICT)) names.push(N_PREDICT)
  const capped = Object.fromEntries(names.map((name) => [name, cap]))
  return {
    ...request,
    maxOutputTokens: cap * request.choices,
    body: { ...request.body, ...capped },
    forward: Buffer.from(JSON.stringify({ ...forward, ...capped })),
  }
}

/** Asks for usage in a stream, and names the model where the client did not. */
function withUsage(body: Record<string, unknown>, stream: boolean, model: string) {
  const options = body.stream_options
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
    throw invalid('body_invalid', '"stream_options" is not an object')
  }
  const asksUsage = !stream || (options as { include_usage?: unknown } | undefined)?.include_usage === true
  if (asksUsage && body.model === model) return { forward: body, changed: false }
  return {
    forward: { ...body, model, ...(stream && { stream_options: { ...options, include_usage: true } }) },
    changed: true,
  }
}

function booleanField(body: Record<string, unknown>, name: string): boolean {
  const value = body[name] ?? false
  if (typeof value !== 'boolean') throw invalid('body_invalid', `"${name}" is not true or false`)
  return value
}

/** A positive whole number, where one stands there. @throws AppError `body_invalid` */
export function countField(body: Record<string, unknown>, name: string): number | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw invalid('body_invalid', `"${name}" is not a positive whole number`)
}

export const invalidBody = (message: string): AppError => invalid('body_invalid', message)

const invalid = (code: string, message: string): AppError => new AppError({ code, message, status: 400 })
