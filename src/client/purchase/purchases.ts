import { AppError } from '../../base/errors.ts'
import { type Answer, answerOf } from '../answer.ts'
import type { AnswerJudge } from '../answerJudge.ts'
import type { Piece } from '../answerReader.ts'
import { BrokerApi } from '../brokerApi.ts'
import { type FinishedExchange, type RunningExchange, startExchange } from '../exchange.ts'
import type { Funding, FundingHooks } from '../funding/funding.ts'
import type { Offer } from '../offers.ts'
import { assertNotRejected, type CheckedProvider, checkProvider, forgetVerdicts } from '../providerCheck.ts'
import type { Router } from '../routing/router.ts'
import { type BuyerSession, requireAccount } from '../session.ts'
import { SingleFlight } from '../singleFlight.ts'
import type { SessionTokens } from '../tokens.ts'
import type { VoucherPledge } from '../vouchers/vouchers.ts'
import { conversationOf, needsOf } from './describe.ts'
import { isMedia } from './endpoints.ts'
import { Payments } from './payments.ts'
import { type PreparedBody, prepareBody } from './prepareBody.ts'
import { sealTargetFor } from './privacy.ts'
import { isOtherEnclave, isPriceChanged, mayBeStale, ProviderFault } from './providerFault.ts'
import type { Purchase, PurchaseHooks, PurchaseRequest } from './purchase.ts'
import { Seals } from './seals.ts'
import { untilText } from './untilText.ts'
import { isRefused } from './voucherPayments.ts'

export type { Purchase, PurchaseHooks, PurchaseRequest } from './purchase.ts'

/** Providers that are tried for one request. */
const MAX_ATTEMPTS = 3
/** Until the first byte of an answer, ms. */
const PATIENCE_MS = 120_000
/** Of images and of what was heard, which come whole. */
const MEDIA_PATIENCE_MS = 600_000

/** Buys answers: chooses, funds, sends, verifies, keeps the receipt; goes elsewhere before the first text. */
export class Purchases {
  readonly #session: BuyerSession
  readonly #tokens: SessionTokens
  readonly #router: Router
  #judge: Promise<AnswerJudge> | undefined
  readonly #payments: Payments
  readonly #seals: Seals
  readonly #checks = new SingleFlight()

  /** @param funding loaded when money has to be looked after */
  constructor(session: BuyerSession, funding: () => Promise<Funding>, tokens: SessionTokens, router: Router) {
    this.#session = session
    this.#tokens = tokens
    this.#router = router
    this.#payments = new Payments(session, funding, tokens)
    this.#seals = new Seals(session.runtime)
  }

  /**
   * One paid answer, as its bytes come. The last value of `pieces` is the answer with its verdict, also when that
   * is `rejected`.
   * @throws AppError among others `provider_unknown`, `model_unknown`, `provider_rejected`, `max_cost_exceeded`,
   * `funding_needed`, `insufficient_funds`, `price_changed`
   */
  async buy(request: PurchaseRequest, told: PurchaseHooks = {}): Promise<Purchase> {
    requireAccount(this.#session)
    const hooks = request.signal ? { ...told, signal: request.signal } : told
    hooks.onStage?.('discover')
    const askedAt = this.#session.runtime.now()
    if (request.private !== false) this.#seals.warm()
    try {
      return await this.#buyFromAny(request, hooks, { askedAt, isFirst: true })
    } catch (error) {
      // Nothing was sent, or nobody took it: what was known of who sells what, and for how much, may be wrong.
      if (!mayBeStale(error) || request.signal?.aborted) throw error
      if (!isPriceChanged(error) && !this.#router.forgetKept()) throw error
      return this.#buyFromAny(request, hooks, { askedAt, isFirst: false })
    }
  }

  async #buyFromAny(
    request: PurchaseRequest,
    hooks: PurchaseHooks,
    { askedAt, isFirst }: { readonly askedAt: number; readonly isFirst: boolean },
  ): Promise<Purchase> {
    const conversation = conversationOf(request)
    const { provider, model, preferences = {} } = request
    const offers = await this.#router.route({
      ...(provider !== undefined && { provider }),
      ...(model !== undefined && { model }),
      ...(conversation !== undefined && { conversation }),
      needs: needsOf(request),
      preferences,
      hasMoney: async (offer) =>
        this.#payments.hasMoney(offer.service.provider, (await prepare(request, offer)).worst),
    })
    let failure: AppError | undefined
    const queue = offers.slice(0, MAX_ATTEMPTS)
    let isRepeated = false
    for (const [index, offer] of queue.entries()) {
      try {
        return await this.#buyFrom(offer, request, hooks, { conversation, askedAt })
      } catch (error) {
        if (!(error instanceof ProviderFault)) throw failure ?? error
        if (isFirst && isPriceChanged(error.cause)) {
          this.#router.changed(offer)
          throw error.cause
        }
        this.#router.failed(offer)
        failure ??= error.cause
        if (request.signal?.aborted) break
        if (isOtherEnclave(error.cause) && !isRepeated) {
          // Another enclave answers than the one that was checked: its evidence is looked at anew, once.
          forgetVerdicts(this.#session, offer.service.provider)
          isRepeated = true
          failure = undefined
          queue.push(offer)
        }
        hooks.onFailover?.(offer, error.cause, queue[index + 1] ?? null)
      }
    }
    throw failure
  }

  async #buyFrom(
    offer: Offer,
    request: PurchaseRequest,
    hooks: PurchaseHooks,
    { conversation, askedAt }: { readonly conversation: string | undefined; readonly askedAt: number },
  ): Promise<Purchase> {
    const checked = await this.#check(offer, request)
    const prepared = await prepare(request, offer)
    let release = () => {}
    let wasSent = false
    try {
      await hooks.onOffer?.(offer, prepared.worst)
      release = this.#payments.reserve(offer.service.provider, prepared.worst)
      hooks.onStage?.('fund')
      await this.#payments.cover(offer.service, checked, hooks)
      request.signal?.throwIfAborted()
      wasSent = true
      hooks.onStage?.('send')
      const startedAt = this.#session.runtime.now()
      const { running, pledge } = await this.#send(offer, checked, prepared, request, hooks)
      const beforeMs = startedAt - askedAt
      const bought = { offer, checked, request, prepared, running, pledge, release, hooks, beforeMs }
      const pieces = await untilText(running, this.#pieces(bought))
      this.#router.succeeded(offer, this.#session.runtime.now() - running.startedAt, conversation)
      const contentType = running.header('content-type') ?? 'application/json'
      return { offer, maxCost: prepared.worst, contentType, pieces }
    } catch (error) {
      release()
      hooks.onAttemptFailed?.(offer, error instanceof ProviderFault ? error.cause : error, wasSent)
      throw error
    }
  }

  async #check({ service }: Offer, request: PurchaseRequest): Promise<CheckedProvider> {
    try {
      // Requests that start together look once, and so reserve together: one transfer serves them all.
      const checked = await this.#checks.run(service.provider, () => checkProvider(this.#session, service))
      assertNotRejected(checked, service)
      sealTargetFor(checked, request)
      return checked
    } catch (error) {
      throw ProviderFault.of(error)
    }
  }

  /** Sends; what was revoked, spent or changed since it was read is put right, once. */
  async #send(
    offer: Offer,
    checked: CheckedProvider,
    prepared: PreparedBody,
    request: PurchaseRequest,
    hooks: FundingHooks,
  ): Promise<{ readonly running: RunningExchange; readonly pledge: VoucherPledge | null }> {
    const { service } = offer
    const { provider, url } = service
    const { runtime } = this.#session
    const target = sealTargetFor(checked, request)
    const { json, bytes } = prepared
    const sealed = target && json && (await this.#seals.seal({ json, bytes }, target, request.idempotencyKey))
    let signedFor = prepared.worst
    for (let attempt = 0; ; attempt++) {
      const generation = await this.#payments.generation(provider)
      const credential = await this.#tokens.get(provider, generation, checked.abilities)
      const pledge = await this.#payments.vouchers.pledge(service, signedFor)
      try {
        const running = await startExchange(runtime, {
          url: new BrokerApi(runtime, url).url,
          endpoint: request.endpoint,
          credential,
          body: bytes,
          contentType: prepared.contentType,
          sealed,
          prices: prepared.prices,
          stream: prepared.stream,
          patienceMs: isMedia(request.endpoint) ? MEDIA_PATIENCE_MS : PATIENCE_MS,
          ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
          ...(pledge && { voucher: pledge.header }),
          ...(request.signal && { signal: request.signal }),
        })
        return { running, pledge }
      } catch (error) {
        await pledge?.failed(isRefused(error))
        if (attempt > 0 || !(error instanceof AppError)) throw ProviderFault.of(error)
        const amount = await this.#payments.vouchers.amountFor(service, error, prepared, request)
        signedFor = amount ?? signedFor
        if (amount === null && !(await this.#payments.putRight(service, checked, error, hooks)))
          throw ProviderFault.of(error)
      }
    }
  }

  /** The pieces, then the verdict. The reservation is held until then. */
  async *#pieces(bought: Bought): AsyncGenerator<Piece, Answer> {
    const { offer, prepared, running, pledge, release, hooks } = bought
    let fee: bigint | null = null
    try {
      const finished = yield* running.pieces()
      hooks.onStage?.('verify')
      const answer = await this.#conclude(bought, finished)
      fee = answer.fee
      return answer
    } finally {
      release()
      await pledge?.failed(false)
      this.#payments.spend(offer.service.provider, fee ?? prepared.worst)
    }
  }

  /** Loaded while the answer is waited for: nothing of it is needed before the request leaves. */
  #judging(): Promise<AnswerJudge> {
    this.#judge ??= import('../answerJudge.ts').then(({ AnswerJudge }) => new AnswerJudge(this.#session))
    return this.#judge
  }

  async #conclude(
    { offer, checked, request, prepared, pledge, beforeMs }: Bought,
    finished: FinishedExchange,
  ): Promise<Answer> {
    const now = this.#session.runtime.now()
    const judgement = await (await this.#judging()).judge({
      offer,
      checked,
      endpoint: request.endpoint,
      promptTokens: prepared.promptTokens,
      maxTokens: prepared.maxTokens,
      media: prepared.media,
      finished,
      credential: await this.#tokens.latest(offer.service.provider, checked.abilities),
      now,
    })
    await pledge?.judged(judgement, finished.id)
    return answerOf(offer, finished, judgement, beforeMs)
  }
}

/** Loads what counts images and seconds where they are asked for. */
async function prepare(request: PurchaseRequest, offer: Offer): Promise<PreparedBody> {
  const { endpoint } = request
  if (!isMedia(endpoint)) return prepareBody(request, offer)
  const { prepareMedia } = await import('./prepareMedia.ts')
  return prepareMedia(endpoint, request, offer)
}

/** An answer under way, and what it was agreed on. */
interface Bought {
  readonly offer: Offer
  readonly checked: CheckedProvider
  readonly request: PurchaseRequest
  readonly prepared: PreparedBody
  readonly running: RunningExchange
  /** Where it is paid by vouchers. */
  readonly pledge: VoucherPledge | null
  readonly release: () => void
  readonly hooks: PurchaseHooks
  readonly beforeMs: number
}
