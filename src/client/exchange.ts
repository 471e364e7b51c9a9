import { AppError } from '../base/errors.ts'
import type { SealedHashes } from '../protocol/e2ee/index.ts'
import { formatMaxPrice, HEADER } from '../protocol/headers.ts'
import type { Prices } from '../protocol/pricing.ts'
import { answerFor } from './answerFor.ts'
import { AnswerReader, type Piece } from './answerReader.ts'
import { readText } from './brokerApi.ts'
import { brokerError, malformedAnswer } from './brokerError.ts'
import type { ChatAnswer } from './chatAnswer.ts'
import type { Credential } from './credential.ts'
import type { SealedBody } from './purchase/seals.ts'
import type { HttpResponse, Runtime } from './runtime.ts'
import { openRefusal, SealedReader } from './sealedReader.ts'

/** One request as it goes out. */
export interface OutgoingRequest {
  /** The service's, without a slash at its end. */
  readonly url: string
  /** As receipts name it: `/v1/chat/completions`. */
  readonly endpoint: string
  readonly credential: Credential
  /** Hashed and sent as they are, unless they are sealed. */
  readonly body: Uint8Array
  readonly contentType: string
  /** What is hashed and sent instead, so that only the enclave reads it. */
  readonly sealed: SealedBody | null
  readonly prices: Prices
  readonly stream: boolean
  /** Until the first byte, ms: prefill and queue included. */
  readonly patienceMs: number
  /** A retry with the same key joins the running answer and is charged once. */
  readonly idempotencyKey?: string
  /** What a provider without a TEE is paid by. */
  readonly voucher?: string
  readonly signal?: AbortSignal
}

/** What came back, with the hashes of both directions as they passed. */
export interface FinishedExchange {
  readonly id: string
  readonly answer: ChatAnswer
  readonly requestHash: string
  readonly responseHash: string
  readonly responseBytes: number
  /** What stands for both where they were sealed, else null. */
  readonly sealed: SealedHashes | null
  /** How the request was authorised. */
  readonly auth: Credential['auth']
  /** Whether the body arrived whole, as HTTP frames it. */
  readonly whole: boolean
  /** Why the answer ended before its end or could not be read, or null. */
  readonly cut: AppError | null
  /** From sending to the first text, ms; null without text. */
  readonly firstTextMs: number | null
  readonly totalMs: number
}

/** Between two pieces of a stream. */
const BODY_TIMEOUT_MS = 60_000
/** Largest answer, bytes: brokers send half of it, and nobody fills this machine's memory. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024

/** An answer that has begun: the provider took the request. */
export interface RunningExchange {
  /** When the request left, ms. */
  readonly startedAt: number
  readonly answer: ChatAnswer
  /** @param name lower case */
  header(name: string): string | null
  /**
   * The body as it comes; to be read once. Every byte of both directions is hashed.
   * @returns what is needed to verify it, also when the answer was cut short
   */
  pieces(): AsyncGenerator<Piece, FinishedExchange>
}

/**
 * Sends a request.
 * @throws AppError what the broker answers instead of an answer, `provider_unreachable`, `provider_slow`
 */
export async function startExchange(runtime: Runtime, request: OutgoingRequest): Promise<RunningExchange> {
  const startedAt = runtime.now()
  const requestHash = hashOf(runtime, bytesOf(request))
  const response = await post(runtime, request, requestHash)
  if (response.status !== 200) throw await refusalOf(response, request)
  const answer = await answerFor(request.endpoint, response.header('content-type'))
  const started = { requestHash, startedAt, answer }
  return {
    startedAt,
    answer,
    header: (name) => response.header(name),
    pieces: () => readPieces(runtime, request, response, started),
  }
}

async function* readPieces(
  runtime: Runtime,
  request: OutgoingRequest,
  response: HttpResponse,
  { requestHash, startedAt, answer }: Started,
): AsyncGenerator<Piece, FinishedExchange> {
  const { sealed, stream } = request
  const hash = runtime.sha256()
  const opening = sealed && new SealedReader(answer, sealed.opener(), stream, runtime.sha256())
  const reader = opening ?? new AnswerReader(answer, stream)
  let responseBytes = 0
  let firstTextMs: number | null = null
  let whole = false
  let cut: AppError | null = null
  const timed = (piece: Piece): Piece => {
    if (answer.deliveredBytes > 0) firstTextMs ??= runtime.now() - startedAt
    return piece
  }
  try {
    for await (const chunk of response.body) {
      hash.update(chunk)
      responseBytes += chunk.length
      if (responseBytes > MAX_ANSWER_BYTES) throw malformedAnswer(request.endpoint)
      yield timed(await reader.push(chunk))
    }
    const rest = await reader.end()
    if (rest.text || rest.bytes.length > 0) yield timed(rest)
    whole = true
    cut = reader.failure ?? (stream && !answer.done ? answerCut() : null)
  } catch (error) {
    cut = asCut(error, request.signal)
  }
  return {
    id: response.header(HEADER.responseKey) ?? answer.id?.replace(/^[a-z]+-/, '') ?? '',
    answer,
    requestHash,
    responseHash: hash.digest(),
    responseBytes,
    sealed: sealed && opening && { requestHash: sealed.hash, responseHash: opening.responseHash(), stream },
    auth: request.credential.auth,
    whole,
    cut,
    firstTextMs,
    totalMs: runtime.now() - startedAt,
  }
}

function post(runtime: Runtime, request: OutgoingRequest, bodyHash: string): Promise<HttpResponse> {
  const path = request.endpoint.replace(/^\/v1/, '/v1/proxy')
  const headers = {
    'content-type': request.sealed ? 'application/json' : request.contentType,
    accept: request.stream ? 'text/event-stream' : '*/*',
    [HEADER.maxPrice]: formatMaxPrice(request.prices),
    ...(request.idempotencyKey !== undefined && { [HEADER.idempotencyKey]: request.idempotencyKey }),
    ...(request.voucher !== undefined && { [HEADER.voucher]: request.voucher }),
  }
  return runtime.request({
    method: 'POST',
    url: request.url + path,
    headers: { ...headers, ...request.credential.headersFor({ method: 'POST', path, headers, bodyHash }) },
    body: bytesOf(request),
    headersTimeoutMs: request.patienceMs,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    ...(request.signal && { signal: request.signal }),
  })
}

/** What is known before the answer comes. */
interface Started {
  readonly requestHash: string
  readonly startedAt: number
  readonly answer: ChatAnswer
}

const bytesOf = ({ sealed, body }: OutgoingRequest): Uint8Array => sealed?.bytes ?? body

function hashOf(runtime: Runtime, bytes: Uint8Array): string {
  const hash = runtime.sha256()
  hash.update(bytes)
  return hash.digest()
}

async function refusalOf(response: HttpResponse, { sealed, endpoint }: OutgoingRequest): Promise<AppError> {
  const text = await readText(response, endpoint)
  return brokerError(response.status, sealed ? await openRefusal(text, sealed.opener()) : text)
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
