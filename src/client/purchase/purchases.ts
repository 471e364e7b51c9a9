import { smaller } from '../../base/bigint.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { findAccount, freeBalance } from '../../chain/inference.ts'
import { type Answer, answerOf } from '../answer.ts'
import { AnswerJudge } from '../answerJudge.ts'
import { BrokerApi } from '../brokerApi.ts'
import { type FinishedExchange, type Piece, type RunningExchange, startExchange } from '../exchange.ts'
import type { Funding, FundingHooks } from '../funding/funding.ts'
import type { Offer } from '../offers.ts'
import { assertNotRejected, type CheckedProvider, checkProvider } from '../providerCheck.ts'
import type { Preferences } from '../routing/preferences.ts'
import type { Router } from '../routing/router.ts'
import { requireAccount, type Session } from '../session.ts'
import { SingleFlight } from '../singleFlight.ts'
import type { SessionTokens } from '../tokens.ts'
import { conversationOf, needsOf } from './describe.ts'
import { type BodySpec, type PreparedBody, prepareBody } from './prepareBody.ts'
import { ProviderFault } from './providerFault.ts'
import { Purse } from './purse.ts'
import { untilText } from './untilText.ts'

export interface PurchaseRequest extends BodySpec {
  readonly provider?: Address
  readonly model?: string
  readonly preferences?: Preferences
  /** A retry with the same key joins the running answer and is charged once. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

export interface PurchaseHooks extends FundingHooks {
  /** Who was chosen, before anything is sent. May refuse by throwing. */
  readonly onOffer?: (offer: Offer, maxCost: bigint) => Promise<void> | void
  /** What is being done, for people. */
  readonly onStage?: (stage: 'discover' | 'fund' | 'send' | 'verify') => void
  /** A provider failed before its first text, and another is asked. */
  readonly onFailover?: (offer: Offer, error: AppError) => void
}

/** An answer that has begun. Its pieces have to be read to their end, or given up with `return()`. */
export interface Purchase {
  readonly offer: Offer
  /** The most that it can cost, neuron. */
  readonly maxCost: bigint
  readonly contentType: string
  readonly pieces: AsyncGenerator<Piece, Answer>
}

/** Providers that are tried for one request. */
const MAX_ATTEMPTS = 3
/** Transferred beyond the need, so that the next answers find money there. */
const HEADROOM_PERCENT = 100n

/** Buys answers: chooses, funds, sends, verifies, keeps the receipt; goes elsewhere before the first text. */
export class Purchases {
  readonly #session: Session
  readonly #funding: Funding
  readonly #tokens: SessionTokens
  readonly #router: Router
  readonly #judge: AnswerJudge
  readonly #purse = new Purse()
  readonly #checks = new SingleFlight()
  readonly #readings = new SingleFlight()

  constructor(session: Session, funding: Funding, tokens: SessionTokens, router: Router) {
    this.#session = session
    this.#funding = funding
    this.#tokens = tokens
    this.#router = router
    this.#judge = new AnswerJudge(session)
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
    for (const offer of offers.slice(0, MAX_ATTEMPTS)) {
      try {
        return await this.#buyFrom(offer, request, hooks, { conversation, askedAt })
      } catch (error) {
        if (!(error instanceof ProviderFault)) throw failure ?? error
        this.#router.failed(offer)
        failure ??= error.cause
        if (request.signal?.aborted) break
        hooks.onFailover?.(offer, error.cause)
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
    const checked = await this.#check(offer)
    const prepared = prepareBody(request, offer)
    await hooks.onOffer?.(offer, prepared.worst)
    const release = this.#purse.reserve(offer.service.provider, prepared.worst)
    try {
      hooks.onStage?.('fund')
      await this.#fund(offer, hooks)
      hooks.onStage?.('send')
      const startedAt = this.#session.runtime.now()
      const running = await this.#send(offer, prepared, request, hooks)
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

  async #check({ service }: Offer): Promise<CheckedProvider> {
    try {
      // Requests that start together look once, and so reserve together: one transfer serves them all.
      const checked = await this.#checks.run(service.provider, () => checkProvider(this.#session, service))
      assertNotRejected(checked, service)
      return checked
    } catch (error) {
      throw ProviderFault.of(error)
    }
  }

  /** Makes sure that the provider can set the worst cost of everything under way aside, and what is owed. */
  async #fund({ service }: Offer, hooks: FundingHooks): Promise<void> {
    const { provider } = service
    const now = () => this.#session.runtime.now()
    if (this.#purse.covers(provider, now())) return
    const owed = await this.#readings.run(provider.toLowerCase(), () => this.#read(provider, service.url))
    if (this.#purse.covers(provider, now())) return
    const needed = () => owed + this.#purse.underWay(provider)
    const { transactions } = await this.#funding.ensure(provider, needed, hooks, {
      headroomPercent: HEADROOM_PERCENT,
      signer: service.teeSignerAddress,
    })
    if (transactions.length > 0) this.#purse.forget(provider)
  }

  /** Reads what lies at a provider. @returns what is owed there, neuron */
  async #read(provider: Address, url: string): Promise<bigint> {
    const { address } = requireAccount(this.#session)
    const account = await findAccount(this.#session.inference, address, provider)
    if (!account) return 0n
    const token = await this.#tokens.get(provider, account.generation)
    const broker = new BrokerApi(this.#session.runtime, url)
    const owed = await broker.unsettledFee(account.user, token).catch((error: unknown) => {
      throw ProviderFault.of(error)
    })
    this.#purse.remember(account, owed, this.#session.runtime.now())
    return smaller(owed, freeBalance(account))
  }

  /** Sends; what was revoked, spent or changed since it was read is put right, once. */
  async #send(
    offer: Offer,
    prepared: PreparedBody,
    request: PurchaseRequest,
    hooks: FundingHooks,
  ): Promise<RunningExchange> {
    const { provider, url } = offer.service
    const { runtime } = this.#session
    for (let attempt = 0; ; attempt++) {
      const token = await this.#tokens.get(provider, await this.#generation(provider))
      try {
        return await startExchange(runtime, {
          proxyUrl: new BrokerApi(runtime, url).proxyUrl,
          endpoint: request.endpoint,
          token,
          body: prepared.bytes,
          prices: offer.prices,
          stream: prepared.stream,
          ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
          ...(request.signal && { signal: request.signal }),
        })
      } catch (error) {
        if (attempt > 0 || !(error instanceof AppError)) throw ProviderFault.of(error)
        if (!(await this.#putRight(offer, error, hooks))) throw ProviderFault.of(error)
      }
    }
  }

  async #generation(provider: Address): Promise<number> {
    const known = this.#purse.generation(provider, this.#session.runtime.now())
    if (known !== null) return known
    const { address } = requireAccount(this.#session)
    return (await findAccount(this.#session.inference, address, provider))?.generation ?? 0
  }

  /** @returns whether the request may be sent again */
  async #putRight(offer: Offer, error: AppError, hooks: FundingHooks): Promise<boolean> {
    const { provider } = offer.service
    if (error.status === 401) {
      this.#tokens.forget(provider)
      this.#purse.forget(provider)
      return true
    }
    if (error.code === 'signer_not_acknowledged') {
      this.#purse.forget(provider)
      await this.#fund(offer, hooks)
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
    const state = await this.#funding.state(provider)
    const free = state.account ? freeBalance(state.account) : 0n
    this.#purse.forget(provider)
    await this.#funding.ensure(provider, () => free + BigInt(shortfall), hooks, { signer })
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

  async #conclude(
    { offer, checked, request, prepared, beforeMs }: Bought,
    finished: FinishedExchange,
  ): Promise<Answer> {
    const now = this.#session.runtime.now()
    const judgement = await this.#judge.judge({
      offer,
      checked,
      endpoint: request.endpoint,
      body: prepared.bytes,
      maxTokens: prepared.maxTokens,
      finished,
      token: await this.#tokens.latest(offer.service.provider),
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
