import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AppError, toAppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { randomHex16 } from '../../base/randomHex.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { Counts, Prices } from '../../protocol/pricing.ts'
import type { Engine, EngineModel } from '../engine/engine.ts'
import type { Exchange, Ledger } from '../ledger/ledger.ts'
import type { Tee } from '../tee/tee.ts'
import { type Admission, accountMissing, promptBoundOf } from './admit.ts'
import type { EngineResponse } from './engineAnswer.ts'
import type { EngineClient } from './engineClient.ts'
import { type Gate, STRANGER_BODY_BYTES, type Visitor } from './gate.ts'
import { sha256Hex } from './hash.ts'
import {
  assertPriceAccepted,
  type InferenceRequest,
  parseObject,
  readInferenceRequest,
} from './inferenceRequest.ts'
import type { Limiter, Pass } from './limits/limiter.ts'
import type { SharedPlace } from './limits/sharedLimits.ts'
import { readForm, readImageRequest } from './media.ts'
import type { Once, OnceRequest } from './once.ts'
import { passRefusal } from './passRefusal.ts'
import type { PriceBook } from './priceBook.ts'
import { dearestPrices } from './priceTiers.ts'
import type { QuoteDesk } from './quote.ts'
import { readBody } from './readBody.ts'
import { assertBodySigned } from './requestSignatures.ts'
import type { Route } from './route.ts'
import { AnswerSeal, type OpenedRequest, openSealed, sealedRequest } from './sealed.ts'
import { DirectSink, leftEarly, type Sink } from './sink.ts'
import { answerStream } from './stream.ts'
import type { Telemetry } from './telemetry.ts'
import { type AnswerContext, answerWhole } from './whole.ts'

export interface InferenceOptions {
  readonly provider: Address
  readonly prices: PriceBook
  readonly gate: Gate
  readonly limiter: Limiter
  readonly once: Once
  readonly admission: Admission
  readonly engine: Engine
  readonly engineClient: EngineClient
  /** Models that were trained here, each for its owner alone. */
  readonly ownModels?: OwnModels | null
  readonly ledger: Ledger
  readonly quotes: QuoteDesk
  /** Opens what is sealed to the enclave. */
  readonly tee: Tee
  /** Called after a charge, so that large debts are settled at once. */
  readonly onCharged: (user: Address) => void
  readonly telemetry: Telemetry
  readonly log: Logger
}

type InferenceRoute = Extract<Route, { name: 'inference' }>

/** A request whose body is there, from a caller who may run one now. */
interface Arrival {
  readonly visitor: Visitor
  readonly pass: Pass
  readonly route: InferenceRoute
  readonly raw: Buffer
  readonly requestHash: string
  readonly maxPrice: string | undefined
  readonly mayCap: boolean
  readonly voucher: string | undefined
  readonly contentType: string
  /** Its exchange's id says nothing of it: nobody can send it again. */
  readonly isNew: boolean
  readonly hasKey: boolean
}

/** Models that only their owners may use. */
export interface OwnModels {
  modelsOf(user: Address): readonly EngineModel[]
  /** The engine of such a model; undefined for all others. */
  clientOf(model: string): EngineClient | undefined
}

/** What is run, and for how much. */
interface Agreed {
  readonly request: InferenceRequest
  readonly opened: OpenedRequest | null
  readonly prices: Prices
}

/** The request path: authenticate, admit, forward, meter, charge; the proof is made when it is asked for. */
export async function serveInference(
  req: IncomingMessage,
  res: ServerResponse,
  route: InferenceRoute,
  options: InferenceOptions,
): Promise<void> {
  const visitor = await options.gate.enter(req)
  const pass = takePlace(res, visitor, options.limiter)
  const raw = await bodyOf(req, visitor, options)
  const requestHash = sha256Hex(raw)
  assertBodySigned(visitor.signed, requestHash)
  const key = singleHeader(req, HEADER.idempotencyKey)
  const arrival: Arrival = {
    visitor,
    pass,
    route,
    raw,
    requestHash,
    maxPrice: singleHeader(req, HEADER.maxPrice),
    mayCap: singleHeader(req, HEADER.capOutput) === 'balance',
    voucher: singleHeader(req, HEADER.voucher),
    contentType: singleHeader(req, 'content-type') ?? '',
    isNew: key === undefined && !visitor.signed,
    hasKey: key !== undefined,
  }
  if (key !== undefined) return answerOnce(res, key, arrival, options)
  const { writeTimeoutMs } = options.limiter.limits
  await answer(new DirectSink(res, writeTimeoutMs), idOf(visitor, options.once), arrival, options)
}

function bodyOf(req: IncomingMessage, { account }: Visitor, options: InferenceOptions): Promise<Buffer> {
  const { bodyBytes } = options.limiter.limits
  if (account) return readBody(req, bodyBytes)
  return readBody(req, Math.min(bodyBytes, STRANGER_BODY_BYTES)).catch((error: AppError) => {
    throw error.code === 'body_too_large' ? accountMissing(options.provider, null) : error
  })
}

/**
 * Held until the last byte has left: a slow reader holds its own places only.
 * @throws AppError `client_left`, and those of the limiter
 */
function takePlace(res: ServerResponse, { claims, account }: Visitor, limiter: Limiter): Pass {
  // While the chain was asked who it is: nothing would say again that it left.
  if (res.destroyed) throw leftEarly()
  try {
    const pass = account ? limiter.enter(claims.address) : limiter.enterStranger()
    res.once('close', pass.leave)
    setHeaders(res, pass.headers)
    return pass
  } catch (refusal) {
    setHeaders(res, limiter.headersOf(claims.address))
    throw refusal
  }
}

/** With an idempotency key: joins the answer that runs, or starts one that others can join, and sees to its end. */
async function answerOnce(
  res: ServerResponse,
  key: string,
  arrival: Arrival,
  options: InferenceOptions,
): Promise<void> {
  const { once, limiter } = options
  const { visitor, route, requestHash } = arrival
  const request: OnceRequest = { user: visitor.claims.address, key, endpoint: route.endpoint, requestHash }
  const id = once.idOf(request)
  const running = once.running(id, request)
  if (running) return running.join(res)
  const { sink, done } = once.begin(id, request, limiter.limits.writeTimeoutMs)
  const joined = sink.join(res)
  const over = once
    .assertNew(id, request)
    .then(() => answer(sink, id, arrival, options))
    .catch((error) => sink.fail(toAppError(error)))
    .finally(done)
  return joined.finally(() => over)
}

async function answer(sink: Sink, id: string, arrival: Arrival, options: InferenceOptions): Promise<void> {
  const startedAt = performance.now()
  const { visitor, pass, route, isNew, hasKey } = arrival
  const { asked, opened } = await readAsked(arrival, options)
  const prices = options.prices.for(asked.model.id, route.kind)
  const { tiers } = options.prices
  assertPriceAccepted(arrival.maxPrice, dearestPrices(prices, tiers, promptBoundOf(asked)))
  const { mayCap, voucher } = arrival
  const { request, cappedTo, promptTokens, amount, covered, release } = await options.admission.admit({
    visitor,
    request: asked,
    prices,
    tiers,
    mayCap,
    voucher,
  })
  let place: SharedPlace | undefined
  try {
    pass.reserveTokens(promptTokens + request.maxOutputTokens)
    const sharing = pass.share({
      key: visitor.limit && { limit: visitor.limit, amount },
      covered,
      once: isNew ? null : options.once.oneOf(id, hasKey),
    })
    place = sharing && (await sharing)
    if (!isNew) await options.once.assertUnanswered(id, hasKey, place !== undefined)
    const seal = opened && new AnswerSeal(opened, request.stream)
    const multipliersFor = options.prices.multipliersAt(options.ledger.totals(visitor.claims.address).charged)
    const exchange = newExchange(id, arrival, { request, opened, prices }, options)
    const headers = {
      [HEADER.auth]: visitor.auth,
      ...(cappedTo !== null && { [HEADER.cappedTo]: cappedTo }),
      ...place?.headers,
    }
    const client = options.ownModels?.clientOf(request.model.id) ?? options.engineClient
    const upstream = await client.post(request, id, sink.signal)
    const firstByteMs = performance.now() - startedAt
    const { provider, ledger, engine, log } = options
    const counts = await relay(sink, upstream, {
      provider,
      ledger,
      engine,
      exchange,
      multipliersFor,
      request,
      promptTokens,
      headers,
      seal,
      log,
    })
    pass.spendTokens((counts.input ?? 0) + (counts.cachedInput ?? 0) + (counts.output ?? 0))
    const ms = performance.now() - startedAt
    options.telemetry.answered({ model: exchange.model, stream: request.stream, counts, firstByteMs, ms })
    log.debug('answered', {
      id,
      user: exchange.user,
      model: exchange.model,
      stream: request.stream,
      auth: visitor.auth,
      sealed: seal !== null,
      ...counts,
      ms: Math.round(ms),
    })
  } catch (failure) {
    // Nothing is charged, but an engine may have read the prompt: towards its user's limit that counts.
    if (sink.signal.aborted) pass.spendTokens(promptTokens)
    throw failure
  } finally {
    place?.leave()
    release()
    options.onCharged(visitor.claims.address)
  }
}

/** What is asked for, opened where it was sealed. */
async function readAsked(arrival: Arrival, { engine, ownModels, tee }: InferenceOptions) {
  const { raw, contentType, visitor } = arrival
  const { kind } = arrival.route
  const models = [...engine.models, ...(ownModels?.modelsOf(visitor.claims.address) ?? [])]
  if (kind === 'images/edits' || kind === 'audio/transcriptions') {
    return { asked: await readForm(kind, raw, contentType, models), opened: null }
  }
  const body = parseObject(raw)
  const opened = Object.hasOwn(body, '_e2ee') ? await openSealed(body, tee) : null
  const plain = opened ?? { raw, body }
  if (kind === 'images/generations') return { asked: readImageRequest(plain.raw, plain.body, models), opened }
  return { asked: readInferenceRequest(kind, plain.raw, plain.body, models), opened }
}

function relay(sink: Sink, upstream: EngineResponse, context: AnswerContext): Promise<Counts> {
  if (upstream.statusCode !== 200) return passRefusal(sink, upstream, context.seal)
  return context.request.stream ? answerStream(sink, upstream, context) : answerWhole(sink, upstream, context)
}

function newExchange(
  id: string,
  { visitor, route, requestHash, isNew }: Arrival,
  { request, opened, prices }: Agreed,
  { quotes }: InferenceOptions,
): Exchange {
  return {
    id,
    ...(isNew && { isNew }),
    user: visitor.claims.address,
    endpoint: route.endpoint,
    model: request.model.id,
    modelDigest: request.model.digest,
    requestHash,
    prices: { ...prices },
    multipliers: {},
    evidence: quotes.digest,
    ...(visitor.limit && { key: { id: visitor.limit.id, per: visitor.limit.per } }),
    ...(opened && { sealed: sealedRequest(opened, request.stream) }),
  }
}

/** Of a signed request from its nonce: whoever sends it again, anywhere, is never charged again. */
const idOf = ({ claims, signed }: Visitor, once: Once): string =>
  signed ? once.idOfNonce(claims.address, `${claims.sessionKey}${signed.nonce}`) : randomHex16()

function setHeaders(res: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) res.setHeader(name, headers[name]!)
}

function singleHeader(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name]
  return Array.isArray(value) ? value.join() : value
}
