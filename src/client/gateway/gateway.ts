import { AppError, toAppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { type Answer, assertNotFalse } from '../answer.ts'
import type { Offer } from '../offers.ts'
import { ENDPOINTS, type Endpoint, isEndpoint, isForm } from '../purchase/endpoints.ts'
import { invalidRequest } from '../purchase/invalidRequest.ts'
import type { BodySpec } from '../purchase/prepareBody.ts'
import type { Purchase, PurchaseHooks, PurchaseRequest } from '../purchase/purchases.ts'
import { joined } from '../purchase/readWhole.ts'
import type { Preferences } from '../routing/preferences.ts'
import { answerHeaders, offerHeaders } from './headers.ts'
import { modelsDocument } from './modelsDocument.ts'

/** Who buys: `Compute` is one. */
export interface Buyer {
  buy(request: PurchaseRequest, hooks?: PurchaseHooks): Promise<Purchase>
  offered(): Promise<Offer[]>
}

export interface GatewayOptions {
  /** Asked where a request names none, or `auto`. */
  readonly model?: string
  /** Only this provider. */
  readonly provider?: Address
  readonly preferences?: Preferences
  /** Neuron; nothing is sent when one answer could cost more. */
  readonly maxCost?: bigint
  /** Sealed to the enclave: `true` or nothing is sent, `false` never; default where its key is proven. */
  readonly private?: boolean
  readonly hooks?: PurchaseHooks
  /** Paths that whoever asks serves beside those of this one, for the error that lists them. */
  readonly alsoServed?: readonly string[]
  /** Each answer when it is over, with its verdict. */
  readonly onAnswer?: (answer: Answer) => void
}

/** A request as an OpenAI client makes it. */
export interface GatewayRequest {
  readonly method: string
  /** Below the base, with the version: `/v1/chat/completions`. */
  readonly path: string
  readonly body: string | Uint8Array
  /** Of a form, with its boundary. */
  readonly contentType?: string
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

/**
 * What goes back. `pieces` come as the provider sends them; they end with the answer and its verdict, or throw: an
 * answer that was rejected never comes to a regular end.
 */
export interface GatewayReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncGenerator<Uint8Array, Answer>
}

/** Name of a model that leaves the choice to us. */
const ANY_MODEL = 'auto'

/** Serves OpenAI's API by buying each answer, and verifying it before its end is passed on. */
export class Gateway {
  readonly #buyer: Buyer
  readonly #options: GatewayOptions

  constructor(buyer: Buyer, options: GatewayOptions) {
    this.#buyer = buyer
    this.#options = options
  }

  /** @throws AppError of every kind: nothing of an answer has been passed on then */
  async serve(request: GatewayRequest, hooks: PurchaseHooks = {}): Promise<GatewayReply> {
    const { method, path } = request
    if (path === '/v1/models') {
      assertMethod(method, 'GET')
      return this.#models()
    }
    if (!isEndpoint(path)) throw unknownEndpoint(path, this.#options.alsoServed)
    assertMethod(method, 'POST')
    return this.#answer(path, request, hooks)
  }

  async #answer(endpoint: Endpoint, request: GatewayRequest, hooks: PurchaseHooks): Promise<GatewayReply> {
    const asked = isForm(endpoint) ? await formOf(request) : jsonOf(request)
    const purchase = await this.#buyer.buy(this.#purchase(endpoint, asked, request), {
      ...this.#options.hooks,
      ...hooks,
    })
    const headers = { 'content-type': purchase.contentType, ...offerHeaders(purchase) }
    const pieces = this.#verified(purchase)
    if (asked.body.stream === true && endpoint !== '/v1/embeddings')
      return { status: 200, headers, body: pieces }
    const { bytes, answer } = await collect(pieces)
    return { status: 200, headers: { ...headers, ...answerHeaders(answer) }, body: bytes }
  }

  #purchase(endpoint: Endpoint, { named, ...asked }: Asked, request: GatewayRequest): PurchaseRequest {
    const { provider, preferences, maxCost, private: isPrivate } = this.#options
    const model = modelNamed(named) ?? this.#options.model
    return {
      endpoint,
      ...asked,
      limitsTokens: false,
      ...(model !== undefined && { model }),
      ...(provider !== undefined && { provider }),
      ...(preferences && { preferences }),
      ...(maxCost !== undefined && { maxCost }),
      ...(isPrivate !== undefined && { private: isPrivate }),
      ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
      ...(request.signal && { signal: request.signal }),
    }
  }

  /** The bytes as they come; those that say that a stream is over wait for the verdict. */
  async *#verified({ pieces }: Purchase): AsyncGenerator<Uint8Array, Answer> {
    const ending: Uint8Array[] = []
    try {
      for (;;) {
        const step = await pieces.next()
        if (step.done) {
          this.#options.onAnswer?.(step.value)
          assertNotFalse(step.value)
          yield* ending
          return step.value
        }
        if (ending.length > 0 || isEnding(step.value.bytes)) ending.push(step.value.bytes)
        else if (step.value.bytes.length > 0) yield step.value.bytes
      }
    } finally {
      await pieces.return(undefined as never)
    }
  }

  async #models(): Promise<GatewayReply> {
    const document = modelsDocument(await this.#buyer.offered())
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) }
  }
}

/** What is asked for, and of which model. */
interface Asked extends Pick<BodySpec, 'body' | 'form'> {
  readonly named: unknown
}

function jsonOf({ body }: GatewayRequest): Asked {
  const json = parseBody(typeof body === 'string' ? body : new TextDecoder().decode(body))
  return { body: json, named: json.model }
}

async function formOf({ body, contentType = '' }: GatewayRequest): Promise<Asked> {
  const { readForm, textField } = await import('../media/form.ts')
  const form = await readForm(typeof body === 'string' ? new TextEncoder().encode(body) : body, contentType)
  return { body: {}, form, named: textField(form, 'model') }
}

/** @throws AppError `request_invalid` */
function modelNamed(model: unknown = ''): string | undefined {
  if (typeof model !== 'string') throw invalidRequest('"model" is not a text')
  return model === '' || model === ANY_MODEL ? undefined : model
}

/** What ends a stream of OpenAI's, and one of Anthropic's. */
const ENDINGS = ['data: [DONE]', 'event: message_stop'].map((line) => new TextEncoder().encode(line))

/** Whether a line of these bytes says that the stream is over. In JSON a line cannot begin inside a text. */
const isEnding = (bytes: Uint8Array): boolean => ENDINGS.some((ending) => hasLine(bytes, ending))

function hasLine(bytes: Uint8Array, line: Uint8Array): boolean {
  for (let at = bytes.indexOf(line[0]!); at >= 0; at = bytes.indexOf(line[0]!, at + 1)) {
    const startsLine = at === 0 || bytes[at - 1] === 0x0a
    if (startsLine && line.every((byte, i) => bytes[at + i] === byte)) return true
  }
  return false
}

async function collect(
  pieces: AsyncGenerator<Uint8Array, Answer>,
): Promise<{ bytes: Uint8Array; answer: Answer }> {
  const chunks: Uint8Array[] = []
  for (let step = await pieces.next(); ; step = await pieces.next()) {
    if (step.done) return { bytes: joined(chunks), answer: step.value }
    chunks.push(step.value)
  }
}

function parseBody(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidRequest('The request body is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw invalidRequest('The request body is not a JSON object')
}

const unknownEndpoint = (path: string, alsoServed: readonly string[] = []): AppError =>
  new AppError({
    code: 'endpoint_unknown',
    message: `There is no endpoint ${path.slice(0, 100)}`,
    hint: `There are: ${[...Object.keys(ENDPOINTS), ...alsoServed, '/v1/models'].join(', ')}`,
    status: 404,
  })

/** @throws AppError `method_wrong` (405) */
export function assertMethod(method: string, expected: 'GET' | 'POST'): void {
  if (method === expected) return
  throw new AppError({
    code: 'method_wrong',
    message: `This endpoint takes ${expected} only`,
    hint: 'Nothing was sent',
    status: 405,
    details: { allow: expected },
  })
}

/** An error as OpenAI clients read it. */
export function errorReply(thrown: unknown): GatewayReply {
  const error = toAppError(thrown)
  const { code, message, ...rest } = error.toObject()
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      // Whatever could be tried again was tried here; a second payment is the caller's decision.
      'x-should-retry': 'false',
      ...(typeof error.details?.allow === 'string' && { allow: error.details.allow }),
    },
    body: JSON.stringify({ error: { message, type: typeOf(error.status), param: null, code, ...rest } }),
  }
}

/** Kinds of errors as OpenAI names them. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 402) return 'insufficient_quota'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
