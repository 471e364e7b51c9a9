import type { OutgoingHttpHeaders } from 'node:http'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { Counts } from '../../protocol/pricing.ts'
import { receiptToJson } from '../../protocol/receipt.ts'
import type { Engine } from '../engine/engine.ts'
import type { Exchange, Ledger } from '../ledger/ledger.ts'
import type { EngineResponse } from './engineClient.ts'
import { sha256Hex } from './hash.ts'
import type { InferenceRequest } from './inferenceRequest.ts'
import { countsOf, Meter } from './meter.ts'
import { CORS } from './respond.ts'
import type { Sink } from './sink.ts'

/** Largest answer that is held in memory before it is charged, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Up to this many bytes of body the receipt travels in a header. */
const RECEIPT_HEADER_LIMIT = 64 * 1024

export interface AnswerContext {
  readonly provider: Address
  readonly ledger: Ledger
  readonly engine: Engine
  readonly exchange: Exchange
  readonly request: InferenceRequest
  /** Beside those that every answer has. */
  readonly headers: OutgoingHttpHeaders
}

/** Answers in one piece: read, count, charge, and only then let the first byte go. */
export async function answerWhole(
  sink: Sink,
  upstream: EngineResponse,
  context: AnswerContext,
): Promise<Counts> {
  const { ledger, exchange } = context
  const body = await readAnswer(upstream)
  const counts = await countWhole(body, context)
  if (sink.signal.aborted) return {}
  const delivered = { responseHash: sha256Hex(body), responseBytes: body.length, counts }
  const receipt = await ledger.charge(exchange, delivered, 'complete')
  sink.writeHead(200, {
    ...CORS,
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

async function countWhole(body: Buffer, { engine, request, exchange }: AnswerContext): Promise<Counts> {
  const meter = new Meter()
  meter.read(body.toString('utf8'))
  if (meter.usage) return countsOf(meter.usage, exchange.prices)
  const [input, output] = await Promise.all([
    engine.countPromptTokens(request.body),
    meter.text === null ? undefined : engine.countTextTokens(request.model.id, meter.text),
  ])
  if (input === undefined || output === undefined) throw usageMissing()
  return { input, output }
}

async function readAnswer(upstream: EngineResponse): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of upstream.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) throw new Error('answer too large')
      chunks.push(chunk)
    }
  } catch (cause) {
    throw engineBroke(cause)
  }
  return Buffer.concat(chunks)
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
    message: 'The engine of this provider counts no tokens, so the answer cannot be priced',
    hint: 'Nothing was charged. Choose another provider',
    next: '0g-compute provider list',
    status: 502,
  })
