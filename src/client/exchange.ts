import { AppError, toAppError } from '../base/errors.ts'
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
  /** A retry with the same key joins the running answer and is charged once. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

/** What came back, with the hashes of both directions as they passed. */
export interface FinishedExchange {
  readonly id: string
  readonly answer: ChatAnswer
  readonly requestHash: string
  readonly responseHash: string
  readonly responseBytes: number
  /** Whether the body arrived whole, as HTTP frames it. */
  readonly whole: boolean
  /** Why the answer ended before its end or could not be read, or null. */
  readonly cut: AppError | null
  /** From sending to the first text, ms; null without text. */
  readonly firstTextMs: number | null
  readonly totalMs: number
}

/** Until the first byte: prefill and queue included. */
const HEADERS_TIMEOUT_MS = 120_000
/** Between two pieces of a stream. */
const BODY_TIMEOUT_MS = 60_000

/** Bytes of the answer as they came, and the text in them. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly text: string
}

/** An answer that has begun: the provider took the request. */
export interface RunningExchange {
  readonly answer: ChatAnswer
  /** @param name lower case */
  header(name: string): string | null
  /**
   * The body as it comes; to be read once. Every byte of both directions is hashed.
   * @returns what is needed to verify it, also when the answer was cut short
   */
  pieces(): AsyncGenerator<Piece, FinishedExchange>
}

const NOTHING = new Uint8Array(0)

/**
 * Sends a request.
 * @throws AppError what the broker answers instead of an answer, `provider_unreachable`, `provider_slow`
 */
export async function startExchange(runtime: Runtime, request: OutgoingRequest): Promise<RunningExchange> {
  const startedAt = runtime.now()
  const response = await post(runtime, request)
  if (response.status !== 200) throw brokerError(response.status, await readText(response, request.endpoint))
  const answer = new ChatAnswer()
  return {
    answer,
    header: (name) => response.header(name),
    pieces: () => readPieces(runtime, request, response, answer, startedAt),
  }
}

async function* readPieces(
  runtime: Runtime,
  request: OutgoingRequest,
  response: HttpResponse,
  answer: ChatAnswer,
  startedAt: number,
): AsyncGenerator<Piece, FinishedExchange> {
  const requestHash = runtime.sha256()
  requestHash.update(request.body)
  const hash = runtime.sha256()
  const reader = new AnswerReader(answer, request.stream ? new EventSplitter() : new WholeBody())
  let responseBytes = 0
  let firstTextMs: number | null = null
  let whole = false
  let cut: AppError | null = null
  const piece = (bytes: Uint8Array, text: string): Piece => {
    if (answer.deliveredBytes > 0) firstTextMs ??= runtime.now() - startedAt
    return { bytes, text }
  }
  try {
    for await (const chunk of response.body) {
      hash.update(chunk)
      responseBytes += chunk.length
      yield piece(chunk, reader.push(chunk))
    }
    const rest = reader.end()
    if (rest) yield piece(NOTHING, rest)
    whole = true
    cut = reader.failure ?? (request.stream && !answer.done ? answerCut() : null)
  } catch (error) {
    cut = asCut(error, request.signal)
  }
  return {
    id: response.header(HEADER.responseKey) ?? answer.id?.replace(/^[a-z]+-/, '') ?? '',
    answer,
    requestHash: requestHash.digest(),
    responseHash: hash.digest(),
    responseBytes,
    whole,
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
      ...(request.idempotencyKey !== undefined && { [HEADER.idempotencyKey]: request.idempotencyKey }),
    },
    body: request.body,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    ...(request.signal && { signal: request.signal }),
  })
}

interface Pieces {
  /** @returns JSON texts that this piece completes */
  push(bytes: Uint8Array): string[]
  end(): string[]
}

/** Reads an answer's text. After a failure it goes on taking bytes: all of them are hashed. */
class AnswerReader {
  failure: AppError | null = null
  readonly #answer: ChatAnswer
  readonly #pieces: Pieces

  constructor(answer: ChatAnswer, pieces: Pieces) {
    this.#answer = answer
    this.#pieces = pieces
  }

  push(bytes: Uint8Array): string {
    return this.#read(this.#pieces.push(bytes))
  }

  end(): string {
    return this.#read(this.#pieces.end())
  }

  #read(documents: readonly string[]): string {
    let text = ''
    try {
      for (const json of this.failure ? [] : documents) text += this.#answer.read(json)
    } catch (error) {
      this.failure = toAppError(error)
    }
    return text
  }
}

/** A body that is one JSON document. */
class WholeBody implements Pieces {
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
