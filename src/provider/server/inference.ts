import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { Counts, Prices } from '../../protocol/pricing.ts'
import type { Engine } from '../engine/engine.ts'
import type { Exchange, Ledger } from '../ledger/ledger.ts'
import type { QuoteDocument } from '../tee/tee.ts'
import type { Admission } from './admit.ts'
import type { Authenticator } from './authenticate.ts'
import type { EngineClient, EngineResponse } from './engineClient.ts'
import { sha256Hex } from './hash.ts'
import { assertPriceAccepted, type InferenceRequest, parseInferenceRequest } from './inferenceRequest.ts'
import { readBody } from './readBody.ts'
import { sendJson } from './respond.ts'
import type { Route } from './route.ts'
import { answerStream } from './stream.ts'
import { type AnswerContext, answerWhole } from './whole.ts'

export interface InferenceOptions {
  readonly provider: Address
  readonly prices: { readonly input: bigint; readonly output: bigint }
  readonly authenticator: Authenticator
  readonly admission: Admission
  readonly engine: Engine
  readonly engineClient: EngineClient
  readonly ledger: Ledger
  readonly evidence: QuoteDocument
  /** Called after a charge, so that large debts are settled at once. */
  readonly onCharged: (user: Address) => void
  readonly log: Logger
}

type InferenceRoute = Extract<Route, { name: 'inference' }>

/** The request path: authenticate, admit, forward, meter, charge; the proof is made when it is asked for. */
export async function serveInference(
  req: IncomingMessage,
  res: ServerResponse,
  route: InferenceRoute,
  options: InferenceOptions,
): Promise<void> {
  const startedAt = performance.now()
  const claims = options.authenticator.authenticate(req.headers.authorization)
  const raw = await readBody(req)
  const request = parseInferenceRequest(route.kind, raw, options.engine.models)
  assertPriceAccepted(singleHeader(req, HEADER.maxPrice), options.prices)
  const reservation = await options.admission.admit(claims, request)
  const exchange = newExchange(claims.address, route.endpoint, raw, request, options)
  try {
    const upstream = await options.engineClient.post(request, exchange.id, abortOnLeave(res))
    const counts = await relay(res, upstream, { ...options, exchange, request })
    options.log.info('answered', {
      id: exchange.id,
      user: exchange.user,
      model: exchange.model,
      stream: request.stream,
      ...counts,
      ms: Math.round(performance.now() - startedAt),
    })
  } finally {
    reservation.release()
    options.onCharged(claims.address)
  }
}

function relay(res: ServerResponse, upstream: EngineResponse, context: AnswerContext): Promise<Counts> {
  if (upstream.statusCode !== 200) return passRefusal(res, upstream)
  return context.request.stream ? answerStream(res, upstream, context) : answerWhole(res, upstream, context)
}

/** The engine's own refusal of a request reaches the client; its server errors are the provider's. */
async function passRefusal(res: ServerResponse, upstream: EngineResponse): Promise<Counts> {
  const body = await upstream.body.text()
  if (upstream.statusCode >= 500) throw engineFailed(upstream.statusCode)
  sendJson(res, upstream.statusCode, body, { 'zg-failure-source': 'engine' })
  return {}
}

function newExchange(
  user: Address,
  endpoint: string,
  raw: Buffer,
  { model }: InferenceRequest,
  { prices, evidence }: InferenceOptions,
): Exchange {
  return {
    id: randomBytes(16).toString('hex'),
    user,
    endpoint,
    model: model.id,
    modelDigest: model.digest,
    requestHash: sha256Hex(raw),
    prices: prices satisfies Prices,
    multipliers: {},
    evidence: evidence.digest,
  }
}

/** A client that leaves stops the engine. */
function abortOnLeave(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  res.once('close', () => {
    if (!res.writableFinished) controller.abort()
  })
  return controller.signal
}

function singleHeader(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name]
  return Array.isArray(value) ? value.join() : value
}

const engineFailed = (status: number): AppError =>
  new AppError({
    code: status === 503 ? 'engine_busy' : 'engine_failed',
    message:
      status === 503 ? 'The engine of this provider is at its limit' : 'The engine of this provider failed',
    hint: 'Try again, or another provider. Nothing was charged',
    next: '0g-compute provider list',
    retryable: true,
    status: status === 503 ? 503 : 502,
  })
