import type { Prices } from '../../protocol/pricing.ts'
import { promptBound } from '../../protocol/promptBound.ts'
import { promptsIn } from '../../protocol/promptsIn.ts'
import { CHOICE_FIELDS, LENGTH_FIELDS, N_PREDICT } from '../../protocol/requestFields.ts'
import type { Form } from '../media/form.ts'
import type { Offer } from '../offers.ts'
import { dearestPrices } from '../priceTiers.ts'
import { chooseMaxTokens, tooDear, worstCost } from '../reservation.ts'
import type { Endpoint } from './endpoints.ts'
import { countField, encodeJson } from './fields.ts'
import type { MediaCount } from './prepareMedia.ts'

/** A request body before a provider is chosen. */
export interface BodySpec {
  readonly endpoint: Endpoint
  /** The API's fields; `model` becomes the one of the offer. Empty where there is a form. */
  readonly body: Readonly<Record<string, unknown>>
  /** For endpoints that take a file; its `model` becomes the one of the offer too. */
  readonly form?: Form
  /** Whether to limit the answer where the body does not; otherwise it may fill the context. */
  readonly limitsTokens: boolean
  /** Neuron; nothing is sent when the answer could cost more. */
  readonly maxCost?: bigint
}

export interface PreparedBody {
  /** Null for a form. */
  readonly json: Readonly<Record<string, unknown>> | null
  /** The same as bytes: hashed and sent as they are. */
  readonly bytes: Uint8Array
  readonly contentType: string
  readonly stream: boolean
  /** The most tokens that the prompt can become; 0 where none are counted. */
  readonly promptTokens: number
  /** The most that may be generated, all choices together. */
  readonly maxTokens: number
  /** Null where tokens are counted. */
  readonly media: MediaCount | null
  /** The dearest prices that it can come to, neuron per token, image or second. */
  readonly prices: Prices
  /** The most that the answer can cost, neuron. */
  readonly worst: bigint
}

/** Assumed where a provider does not name the context of its model. */
const UNKNOWN_CONTEXT = 4096

/**
 * Makes the bytes of a request for tokens to one provider, once: they are hashed and sent.
 * @throws AppError `max_cost_exceeded`, `request_invalid`
 */
export function prepareBody(spec: BodySpec, offer: Offer): PreparedBody {
  const { endpoint, body, maxCost } = spec
  const stream = body.stream === true && endpoint !== '/v1/embeddings'
  const asked = highest(body, [...LENGTH_FIELDS, N_PREDICT])
  const choices = (highest(body, CHOICE_FIELDS) ?? 1) * promptsIn(body)
  const make = (maxTokens: number | undefined) => ({
    ...body,
    model: offer.model,
    ...(asked === undefined && maxTokens !== undefined && { max_tokens: maxTokens }),
  })
  if (endpoint === '/v1/embeddings') {
    const prepared = priced(make(undefined), false, 0, offer)
    if (maxCost !== undefined && prepared.worst > maxCost) throw tooDear(prepared.worst, maxCost)
    return prepared
  }

  const context = offer.contextLength ?? UNKNOWN_CONTEXT
  if (asked === undefined && !spec.limitsTokens && maxCost === undefined) {
    return priced(make(undefined), stream, context * choices, offer)
  }
  // The number of tokens is part of the body: 16 digits are more than it can take.
  const bodyBytes = encodeJson(make(Number.MAX_SAFE_INTEGER)).length
  const promptTokens = promptBound(bodyBytes, body, offer.contextLength)
  const { input, output } = dearestPrices(offer.prices, offer.tiers, promptTokens)
  const maxTokens = chooseMaxTokens({
    asked,
    otherwise: spec.limitsTokens ? undefined : context,
    maxCost,
    contextLength: offer.contextLength,
    promptTokens,
    prices: { input, output: output * BigInt(choices) },
  })
  return priced(make(maxTokens), stream, maxTokens * choices, offer)
}

/** The highest of what stands in these fields. @throws AppError `request_invalid` */
function highest(body: BodySpec['body'], fields: readonly string[]): number | undefined {
  const numbers = fields.flatMap((field) => countField(body, field) ?? [])
  return numbers.length > 0 ? Math.max(...numbers) : undefined
}

function priced(
  json: Record<string, unknown>,
  stream: boolean,
  maxTokens: number,
  offer: Offer,
): PreparedBody {
  const bytes = encodeJson(json)
  const promptTokens = promptBound(bytes.length, json, offer.contextLength)
  const prices = dearestPrices(offer.prices, offer.tiers, promptTokens)
  return {
    json,
    bytes,
    contentType: 'application/json',
    stream,
    promptTokens,
    maxTokens,
    media: null,
    prices,
    worst: worstCost(promptTokens, maxTokens, prices),
  }
}
