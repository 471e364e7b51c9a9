import { smaller } from '../../base/bigint.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { type Account, freeBalance } from '../../chain/account.ts'
import type { Service } from '../../chain/inference.ts'
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
import { conversationOf, needsOf } from './describe.ts'
import { type PreparedBody, prepareBody } from './prepareBody.ts'
import { sealTargetFor } from './privacy.ts'
import { isOtherEnclave, mayBeStale, ProviderFault } from './providerFault.ts'
import type { Purchase, PurchaseHooks, PurchaseRequest } from './purchase.ts'
import { Purse } from './purse.ts'
import { Seals } from './seals.ts'
import { untilText } from './untilText.ts'

export type { Purchase, PurchaseHooks, PurchaseRequest } from './purchase.ts'

/** Providers that are tried for one request. */
const MAX_ATTEMPTS = 3
/** Transferred beyond the need, so that the next answers find money there. */
const HEADROOM_PERCENT = 100n

/** Buys answers: chooses, funds, sends, verifies, keeps the receipt; goes elsewhere before the first text. */
export class Purchases {
  readonly #session: BuyerSession
  readonly #funding: () => Promise<Funding>
  readonly #tokens: SessionTokens
  readonly #router: Router
  #judge: Promise<AnswerJudge> | undefined
  readonly #purse: Purse
  readonly #seals: Seals
  readonly #checks = new SingleFlight()
  readonly #readings = new SingleFlight()

  /** @param funding loaded when money has to be looked after */
  constructor(session: BuyerSession, funding: () => Promise<Funding>, tokens: SessionTokens, router: Router) {
    this.#session = session
    this.#funding = funding
    this.#tokens = tokens
    this.#router = router
    this.#purse = new Purse(session.cache, session.account?.address)
    this.#seals = new Seals(session.runtime)
  }

  /**
   * One paid answer, as its bytes come. The last value of `pieces` is the answer with its verdict, also when that
   * is `rejected`.
   * @throws AppError among others `provider_unknown`, `model_unknown`, `provider_rejected`, `max_cost_exceeded`,
   * `funding_needed`, `insufficient_funds`, `price_changed`
   */
  async buy(request: PurchaseRequest, hooks: PurchaseHooks = {}): Promise<Purchase> {
    requireAccount(this.#session)
    hooks.onStage?.('discover')
    const askedAt = this.#session.runtime.now()
    if (request.private !== false) this.#seals.warm()
    try {
      return await this.#buyFromAny(request, hooks, askedAt)
    } catch (error) {
      // Nothing was sent, or nobody took it: what an earlier process knew of who sells what may be wrong.
      if (!mayBeStale(error) || request.signal?.aborted || !this.#router.forgetKept()) throw error
      return this.#buyFromAny(request, hooks, askedAt)
    }
  }

  async #buyFromAny(request: PurchaseRequest, hooks: PurchaseHooks, askedAt: number): Promise<Purchase> {
    const conversation = conversationOf(request)
    const { provider, model, preferences = {} } = request
    const offers = await this.#router.route({
      ...(provider !== undefined && { provider }),
      ...(model !== undefined && { model }),
      ...(conversation !== undefined && { conversation }),
      needs: needsOf(request),
      preferences,
    })
    let failure: AppError | undefined
    const queue = offers.slice(0, MAX_ATTEMPTS)
    let isRepeated = false
    for (const offer of queue) {
      try {
        return await this.#buyFrom(offer, request, hooks, { conversation, askedAt })
      } catch (error) {
        if (!(error instanceof ProviderFault)) throw failure ?? error
        this.#router.failed(offer)
        failure ??= error.cause
        if (request.signal?.aborted) break
        hooks.onFailover?.(offer, error.cause)
        if (!isOtherEnclave(error.cause) || isRepeated) continue
        // Another enclave answers than the one that was checked: its evidence is looked at anew, once.
        forgetVerdicts(this.#session, offer.service.provider)
        isRepeated = true
        failure = undefined
        queue.push(offer)
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
    const prepared = prepareBody(request, offer)
    await hooks.onOffer?.(offer, prepared.worst)
    const release = this.#purse.reserve(offer.service.provider, prepared.worst)
    try {
      hooks.onStage?.('fund')
      await this.#fund(offer, checked, hooks)
      hooks.onStage?.('send')
      const startedAt = this.#session.runtime.now()
      const running = await this.#send(offer, checked, prepared, request, hooks)
      const beforeMs = startedAt - askedAt
      const bought = { offer, checked, request, prepared, running, release, hooks, beforeMs }
      const pieces = await untilText(running, this.#pieces(bought))
      this.#router.succeeded(offer, this.#session.runtime.now() - startedAt, conversation)
      const contentType = running.header('content-type') ?? 'application/json'
      return { offer, maxCost: prepared.worst, contentType, pieces }
    } catch (error) {
      release()
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

  /** Makes sure that the provider can set the worst cost of everything under way aside, and what is owed. */
  async #fund({ service }: Offer, checked: CheckedProvider, hooks: FundingHooks): Promise<void> {
    const { provider } = service
    const now = () => this.#session.runtime.now()
    if (this.#purse.covers(provider, now())) return
    const owed = await this.#readings.run(provider.toLowerCase(), () => this.#read(service, checked))
    if (this.#purse.covers(provider, now())) return
    const needed = () => owed + this.#purse.underWay(provider)
    const { transactions } = await (await this.#funding()).ensure(provider, needed, hooks, {
      headroomPercent: HEADROOM_PERCENT,
      signer: service.teeSignerAddress,
    })
    if (transactions.length > 0) this.#purse.forget(provider)
  }

  /** Reads what lies at a provider. @returns what is owed there, neuron */
  async #read({ provider, url }: Service, { abilities }: CheckedProvider): Promise<bigint> {
    const account = await this.#account(provider)
    if (!account) return 0n
    const credential = await this.#tokens.get(provider, account.generation, abilities)
    const broker = new BrokerApi(this.#session.runtime, url)
    const owed = await broker.unsettledFee(account.user, credential).catch((error: unknown) => {
      throw ProviderFault.of(error)
    })
    this.#purse.remember(account, owed, this.#session.runtime.now())
    return smaller(owed, freeBalance(account))
  }

  /** Sends; what was revoked, spent or changed since it was read is put right, once. */
  async #send(
    offer: Offer,
    checked: CheckedProvider,
    prepared: PreparedBody,
    request: PurchaseRequest,
    hooks: FundingHooks,
  ): Promise<RunningExchange> {
    const { provider, url } = offer.service
    const { runtime } = this.#session
    const target = sealTargetFor(checked, request)
    const sealed = target && (await this.#seals.seal(prepared, target, request.idempotencyKey))
    for (let attempt = 0; ; attempt++) {
      const generation = await this.#generation(provider)
      const credential = await this.#tokens.get(provider, generation, checked.abilities)
      try {
        return await startExchange(runtime, {
          url: new BrokerApi(runtime, url).url,
          endpoint: request.endpoint,
          credential,
          body: prepared.bytes,
          sealed,
          prices: prepared.prices,
          stream: prepared.stream,
          ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
          ...(request.signal && { signal: request.signal }),
        })
      } catch (error) {
        if (attempt > 0 || !(error instanceof AppError)) throw ProviderFault.of(error)
        if (!(await this.#putRight(offer, checked, error, hooks))) throw ProviderFault.of(error)
      }
    }
  }

  async #generation(provider: Address): Promise<number> {
    const known = this.#purse.generation(provider, this.#session.runtime.now())
    if (known !== null) return known
    return (await this.#account(provider))?.generation ?? 0
  }

  async #account(provider: Address): Promise<Account | null> {
    const { address } = requireAccount(this.#session)
    const { inference } = await this.#session.connected()
    const { findAccount } = await import('../../chain/inference.ts')
    return findAccount(inference, address, provider)
  }

  /** @returns whether the request may be sent again */
  async #putRight(
    offer: Offer,
    checked: CheckedProvider,
    error: AppError,
    hooks: FundingHooks,
  ): Promise<boolean> {
    const { provider } = offer.service
    if (error.status === 401) {
      this.#tokens.forget(provider)
      this.#purse.forget(provider)
      return true
    }
    // What an earlier process read may be wrong: the chain is asked before anybody believes the broker.
    const isStale = error.status === 402 && this.#purse.isKept(provider)
    if (isStale || error.code === 'signer_not_acknowledged') {
      this.#purse.forget(provider)
      await this.#fund(offer, checked, hooks)
      return true
    }
    return error.status === 402 && this.#fillShortfall(offer, error, hooks)
  }

  /** The broker is asked once what it misses; more than twice what this client expects is not paid. */
  async #fillShortfall({ service }: Offer, error: AppError, hooks: FundingHooks): Promise<boolean> {
    const { provider, teeSignerAddress: signer } = service
    const shortfall = error.details?.shortfall
    if (typeof shortfall !== 'string' || !/^\d{1,30}$/.test(shortfall)) return false
    if (BigInt(shortfall) > 2n * this.#purse.underWay(provider)) return false
    const funding = await this.#funding()
    const state = await funding.state(provider)
    const free = state.account ? freeBalance(state.account) : 0n
    this.#purse.forget(provider)
    await funding.ensure(provider, () => free + BigInt(shortfall), hooks, { signer })
    return true
  }

  /** The pieces, then the verdict. The reservation is held until then. */
  async *#pieces(bought: Bought): AsyncGenerator<Piece, Answer> {
    const { offer, prepared, running, release, hooks } = bought
    let fee: bigint | null = null
    try {
      const finished = yield* running.pieces()
      hooks.onStage?.('verify')
      const answer = await this.#conclude(bought, finished)
      fee = answer.fee
      return answer
    } finally {
      release()
      this.#purse.spend(offer.service.provider, fee ?? prepared.worst)
    }
  }

  /** Loaded while the answer is waited for: nothing of it is needed before the request leaves. */
  #judging(): Promise<AnswerJudge> {
    this.#judge ??= import('../answerJudge.ts').then(({ AnswerJudge }) => new AnswerJudge(this.#session))
    return this.#judge
  }

  async #conclude(
    { offer, checked, request, prepared, beforeMs }: Bought,
    finished: FinishedExchange,
  ): Promise<Answer> {
    const now = this.#session.runtime.now()
    const judgement = await (await this.#judging()).judge({
      offer,
      checked,
      endpoint: request.endpoint,
      body: prepared.bytes,
      maxTokens: prepared.maxTokens,
      images: prepared.images,
      finished,
      credential: await this.#tokens.latest(offer.service.provider, checked.abilities),
      now,
    })
    return answerOf(offer, finished, judgement, beforeMs)
  }
}

/** An answer under way, and what it was agreed on. */
interface Bought {
  readonly offer: Offer
  readonly checked: CheckedProvider
  readonly request: PurchaseRequest
  readonly prepared: PreparedBody
  readonly running: RunningExchange
  readonly release: () => void
  readonly hooks: PurchaseHooks
  readonly beforeMs: number
}
