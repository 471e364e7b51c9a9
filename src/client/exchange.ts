import { AppError } from '../base/errors.ts'
import { formatMaxPrice, HEADER } from '../protocol/headers.ts'
import { bearer, readText } from './brokerApi.ts'
import { brokerError } from './brokerError.ts'
import { ChatAnswer } from './chatAnswer.ts'
import type { Offer } from './offers.ts'
import type { HttpResponse, Runtime } from './runtime.ts'
import { EventSplitter } from './sse.ts'

/** One request as it goes out. */
export interface OutgoingRequest {
  /** Base of the inference endpoints. */
  readonly proxyUrl: string
  /** Path below it, as receipts name it: `/v1/chat/completions`. */
  readonly endpoint: string
  readonly token: string
  /** Hashed and sent as they are. */
  readonly body: Uint8Array
  readonly prices: Offer['prices']
  readonly stream: boolean
  readonly signal?: AbortSignal
}

/** What came back, with the hashes of both directions as they passed. */
export interface FinishedExchange {
  readonly id: string
  readonly answer: ChatAnswer
  readonly requestHash: string
  readonly responseHash: string
  readonly responseBytes: number
  /** Why the answer ended before its end, or null. */
  readonly cut: AppError | null
  /** From sending to the first text, ms; null without text. */
  readonly firstTextMs: number | null
  readonly totalMs: number
}

/** Until the first byte: prefill and queue included. */
const HEADERS_TIMEOUT_MS = 120_000
/** Between two pieces of a stream. */
const BODY_TIMEOUT_MS = 60_000

/**
 * Sends a request and yields the answer's text as it comes, hashing every byte both ways.
 * @returns what is needed to verify it, also when the answer was cut short
 * @throws AppError what the broker answers instead of an answer, `provider_unreachable`, `provider_slow`
 */
export async function* exchange(
  runtime: Runtime,
  request: OutgoingRequest,
): AsyncGenerator<string, FinishedExchange> {
  const startedAt = runtime.now()
  const requestHash = runtime.sha256()
  requestHash.update(request.body)
  const response = await post(runtime, request)
  if (response.status !== 200) throw brokerError(response.status, await readText(response, request.endpoint))

  const answer = new ChatAnswer()
  const hash = runtime.sha256()
  let responseBytes = 0
  let firstTextMs: number | null = null
  let cut: AppError | null = null
  const pieces = request.stream ? new EventSplitter() : new WholeBody()
  const show = (data: string[]): string => data.map((json) => answer.read(json)).join('')
  try {
    for await (const chunk of response.body) {
      hash.update(chunk)
      responseBytes += chunk.length
      const text = show(pieces.push(chunk))
      if (!text) continue
      firstTextMs ??= runtime.now() - startedAt
      yield text
    }
    const rest = show(pieces.end())
    if (rest) {
      firstTextMs ??= runtime.now() - startedAt
      yield rest
    }
    if (request.stream && !answer.done) cut = answerCut()
  } catch (error) {
    cut = asCut(error, request.signal)
  }
  return {
    id: response.header(HEADER.responseKey) ?? answer.id?.replace(/^[a-z]+-/, '') ?? '',
    answer,
    requestHash: requestHash.digest(),
    responseHash: hash.digest(),
    responseBytes,
    cut,
    firstTextMs,
    totalMs: runtime.now() - startedAt,
  }
}

function post(runtime: Runtime, request: OutgoingRequest): Promise<HttpResponse> {
  return runtime.request({
    method: 'POST',
    url: request.proxyUrl + request.endpoint.replace(/^\/v1/, ''),
    headers: {
      'content-type': 'application/json',
      accept: request.stream ? 'text/event-stream' : 'application/json',
      ...bearer(request.token),
      [HEADER.maxPrice]: formatMaxPrice(request.prices),
    },
    body: request.body,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    ...(request.signal && { signal: request.signal }),
  })
}

/** A body that is one JSON document. */
class WholeBody {
  readonly #decoder = new TextDecoder()
  #text = ''

  push(bytes: Uint8Array): string[] {
    this.#text += this.#decoder.decode(bytes, { stream: true })
    return []
  }

  end(): string[] {
    return [this.#text + this.#decoder.decode()]
  }
}

function asCut(error: unknown, signal: AbortSignal | undefined): AppError {
  if (signal?.aborted) return answerCut('you ended it')
  if (error instanceof AppError) return error
  return answerCut()
}

const answerCut = (why = 'the connection broke'): AppError =>
  new AppError({
    code: 'answer_cut',
    message: `The answer stopped before its end: ${why}`,
    hint: 'You pay at most for what you received; the receipt for it is kept',
    next: '0g-compute receipts list',
    retryable: true,
  })
