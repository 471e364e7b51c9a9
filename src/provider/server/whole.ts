import type { OutgoingHttpHeaders } from 'node:http'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { Counts, Multipliers } from '../../protocol/pricing.ts'
import { receiptToJson } from '../../protocol/receipt.ts'
import type { Engine } from '../engine/engine.ts'
import type { Exchange, Ledger } from '../ledger/ledger.ts'
import { charge, type Metered } from './bill.ts'
import type { EngineResponse } from './engineAnswer.ts'
import { sha256Hex } from './hash.ts'
import type { InferenceRequest } from './inferenceRequest.ts'
import { mediaCounts } from './mediaCounts.ts'
import { MessagesMeter } from './messagesMeter.ts'
import { type AnswerMeter, countsOf, Meter } from './meter.ts'
import type { AnswerSeal } from './sealed.ts'
import { leftEarly, type Sink } from './sink.ts'

/** Largest answer that is held in memory before it is charged, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Up to this many bytes of body the receipt travels in a header. */
const RECEIPT_HEADER_LIMIT = 64 * 1024

export interface AnswerContext {
  readonly provider: Address
  readonly ledger: Ledger
  readonly engine: Engine
  /** All but its multipliers, which wait for the tokens of the prompt. */
  readonly exchange: Exchange
  readonly multipliersFor: (promptTokens: number | null) => Multipliers
  readonly request: InferenceRequest
  /** Prompt tokens that money was set aside for. */
  readonly promptTokens: number
  /** Beside those that every answer has. */
  readonly headers: OutgoingHttpHeaders
  /** Seals the answer to a request that was sealed. */
  readonly seal: AnswerSeal | null
  readonly log: Logger
}

/**
 * Answers in one piece: read, count, charge, and only then let the first byte go.
 * @throws AppError `client_left`, `engine_died`, `usage_missing`
 */
export async function answerWhole(
  sink: Sink,
  upstream: EngineResponse,
  context: AnswerContext,
): Promise<Counts> {
  const { exchange, seal } = context
  const plain = await readAnswer(upstream, sink.signal)
  const metered = await countWhole(plain, context)
  const body = seal ? await sealWhole(plain, seal) : plain
  if (sink.signal.aborted) throw leftEarly()
  const sealedHash = seal ? { sealedHash: seal.responseHash } : {}
  const whole = { responseHash: sha256Hex(body), responseBytes: body.length, ...sealedHash }
  const { counts, receipt } = await charge(context, metered, whole, 'complete')
  sink.writeHead(200, {
    'content-type': String(upstream.headers['content-type'] ?? 'application/json'),
    'content-length': body.length,
    [HEADER.responseKey]: exchange.id,
    [HEADER.provider]: context.provider,
    ...context.headers,
    ...(body.length <= RECEIPT_HEADER_LIMIT && {
      [HEADER.receipt]: Buffer.from(JSON.stringify(receiptToJson(receipt))).toString('base64'),
    }),
  })
  sink.end(body)
  return counts
}

async function countWhole(body: Buffer, context: AnswerContext): Promise<Metered> {
  const { request } = context
  if (request.most) return { stated: mediaCounts(body, request) ?? exactly(request), generatedBytes: 0 }
  const meter = meterOf(request)
  meter.read(body.toString('utf8'))
  return { stated: await countTokens(meter, context), generatedBytes: meter.generatedBytes }
}

async function countTokens(
  meter: AnswerMeter,
  { engine, request, exchange }: AnswerContext,
): Promise<Counts> {
  if (meter.usage) return countsOf(meter.usage, exchange.prices)
  const [input, output] = await Promise.all([
    engine.countPromptTokens(request.body),
    meter.text === null ? undefined : engine.countTextTokens(request.model.id, meter.text),
  ])
  if (input === undefined || output === undefined) throw usageMissing()
  return { input, output }
}

/** @throws AppError `usage_missing` */
function exactly({ most, isExact }: InferenceRequest): Counts {
  if (most && isExact) return most
  throw usageMissing()
}

export const meterOf = ({ kind }: InferenceRequest): AnswerMeter =>
  kind === 'messages' ? new MessagesMeter() : new Meter()

async function sealWhole(body: Buffer, seal: AnswerSeal): Promise<Buffer> {
  try {
    const sealed = await seal.whole(body)
    seal.note(sealed)
    return sealed.bytes
  } catch (cause) {
    throw engineBroke(cause)
  }
}

/**
 * All that the engine says.
 * @throws AppError `client_left`, `engine_died`
 */
export async function readAnswer({ body }: EngineResponse, signal: AbortSignal): Promise<Buffer> {
  try {
    return await allOf(body)
  } catch (cause) {
    throw signal.aborted ? leftEarly() : engineBroke(cause)
  }
}

/** @throws Error for more than can be held, and where the answer broke off */
async function allOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new Error('answer too large')
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

export const engineBroke = (cause: unknown): AppError =>
  new AppError({
    code: 'engine_died',
    message: 'The engine of this provider stopped in the middle of the answer',
    hint: 'Try again. You pay at most for what you received',
    retryable: true,
    status: 502,
    cause,
  })

const usageMissing = (): AppError =>
  new AppError({
    code: 'usage_missing',
    message:
      'The engine of this provider does not say what its answer counts, so the answer cannot be priced',
    hint: 'Nothing was charged. Choose another provider',
    next: '0g-compute provider list',
    status: 502,
  })
