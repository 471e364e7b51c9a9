import { AppError, EXIT } from '../../base/errors.ts'
import type { Prices } from '../../protocol/pricing.ts'
import type { Offer } from '../offers.ts'
import { dearestPrices } from '../priceTiers.ts'
import { chooseMaxTokens, promptTokenBound, tooDear, worstCost } from '../reservation.ts'
import type { Endpoint } from './endpoints.ts'

/** A request body before a provider is chosen. */
export interface BodySpec {
  readonly endpoint: Endpoint
  /** OpenAI's fields; `model` becomes the one of the offer. */
  readonly body: Readonly<Record<string, unknown>>
  /** Whether to limit the answer where the body does not; otherwise it may fill the context. */
  readonly limitsTokens: boolean
  /** Neuron; nothing is sent when the answer could cost more. */
  readonly maxCost?: bigint
}

export interface PreparedBody {
  readonly json: Readonly<Record<string, unknown>>
  /** The same as bytes: hashed and sent as they are. */
  readonly bytes: Uint8Array
  readonly stream: boolean
  /** The most that may be generated, all choices together. */
  readonly maxTokens: number
  /** Images asked for, 0 where tokens are. */
  readonly images: number
  /** The dearest prices that it can come to, neuron per token or image. */
  readonly prices: Prices
  /** The most that the answer can cost, neuron. */
  readonly worst: bigint
}

/** Assumed where a provider does not name the context of its model. */
const UNKNOWN_CONTEXT = 4096

/**
 * Makes the bytes of a request to one provider, once: they are hashed and sent.
 * @throws AppError `max_cost_exceeded`, `request_invalid`
 */
export function prepareBody(spec: BodySpec, offer: Offer): PreparedBody {
  const { endpoint, body, maxCost } = spec
  const stream = body.stream === true && endpoint !== '/v1/embeddings'
  const field = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens'
  const asked = count(body, field)
  const choices = Math.max(count(body, 'n') ?? 1, count(body, 'best_of') ?? 1)
  const make = (maxTokens: number | undefined) => ({
    ...body,
    model: offer.model,
    ...(maxTokens !== undefined && { [field]: maxTokens }),
  })
  if (endpoint === '/v1/images/generations')
    return ofImages(make(undefined), count(body, 'n') ?? 1, offer, maxCost)
  if (endpoint === '/v1/embeddings') return priced(make(undefined), false, 0, offer)

  const context = offer.contextLength ?? UNKNOWN_CONTEXT
  if (asked === undefined && !spec.limitsTokens && maxCost === undefined) {
    return priced(make(undefined), stream, context * choices, offer)
  }
  // The number of tokens is part of the body: 16 digits are more than it can take.
  const bodyBytes = encode(make(Number.MAX_SAFE_INTEGER)).length
  const { input, output } = dearestPrices(offer.prices, offer.tiers, promptTokenBound(bodyBytes))
  const maxTokens = chooseMaxTokens({
    asked,
    otherwise: spec.limitsTokens ? undefined : context,
    maxCost,
    contextLength: offer.contextLength,
    bodyBytes,
    prices: { input, output: output * BigInt(choices) },
  })
  return priced(make(maxTokens), stream, maxTokens * choices, offer)
}

function priced(json: PreparedBody['json'], stream: boolean, maxTokens: number, offer: Offer): PreparedBody {
  const bytes = encode(json)
  const prices = dearestPrices(offer.prices, offer.tiers, promptTokenBound(bytes.length))
  return {
    json,
    bytes,
    stream,
    maxTokens,
    images: 0,
    prices,
    worst: worstCost(bytes.length, maxTokens, prices),
  }
}

/** @throws AppError `max_cost_exceeded`, `request_invalid` where no price per image is named */
function ofImages(json: PreparedBody['json'], images: number, offer: Offer, maxCost?: bigint): PreparedBody {
  const { image } = offer.prices
  if (image === undefined) throw invalidRequest(`The provider names no price per image for ${offer.model}`)
  const worst = BigInt(images) * image
  if (maxCost !== undefined && worst > maxCost) throw tooDear(worst, maxCost)
  return { json, bytes: encode(json), stream: false, maxTokens: 0, images, prices: { image }, worst }
}

const encode = (body: object): Uint8Array => new TextEncoder().encode(JSON.stringify(body))

function count(body: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = body[field] ?? undefined
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw invalidRequest(`"${field}" is not a positive whole number`)
}

/** A request that no provider could answer. */
export const invalidRequest = (message: string): AppError =>
  new AppError({
    code: 'request_invalid',
    message,
    hint: 'Nothing was sent',
    status: 400,
    exitCode: EXIT.malformed,
  })
