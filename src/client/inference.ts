import type { Verdict } from '../attestation/verdict.ts'
import { AppError } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import { type Account, findAccount, freeBalance } from '../chain/inference.ts'
import type { SignedReceipt } from '../protocol/receipt.ts'
import { AnswerJudge, CHAT_ENDPOINT } from './answerJudge.ts'
import { BrokerApi } from './brokerApi.ts'
import type { Usage } from './chatAnswer.ts'
import { type ChatMessage, chatBody } from './chatRequest.ts'
import { exchange, type FinishedExchange } from './exchange.ts'
import type { Funding, FundingHooks } from './funding/funding.ts'
import { type Offer, type OfferQuery, pickOffer } from './offers.ts'
import { assertNotRejected, type CheckedProvider, checkProvider } from './providerCheck.ts'
import { chooseMaxTokens, worstCost } from './reservation.ts'
import { requireAccount, type Session } from './session.ts'
import type { SessionTokens } from './tokens.ts'

export interface InferenceRequest extends OfferQuery {
  readonly messages: readonly ChatMessage[]
  readonly maxTokens?: number
  readonly temperature?: number
  /** Neuron; nothing is sent when the answer could cost more. */
  readonly maxCost?: bigint
  /** Default true: text comes as it is made. */
  readonly stream?: boolean
  readonly signal?: AbortSignal
}

export interface InferenceHooks extends FundingHooks {
  /** Who was chosen, before anything is sent. */
  readonly onOffer?: (offer: Offer, maxCost: bigint) => Promise<void> | void
  /** What is being done, for people. */
  readonly onStage?: (stage: 'discover' | 'fund' | 'send' | 'verify') => void
}

/** A finished answer. Amounts in neuron. */
export interface Answer {
  readonly id: string
  readonly provider: Address
  readonly model: string
  readonly text: string
  readonly finishReason: string | null
  readonly usage: Usage | null
  /** By the receipt; null without one. */
  readonly fee: bigint | null
  readonly verdict: Verdict
  readonly receipt: SignedReceipt | null
  /** ms */
  readonly firstTextMs: number | null
  readonly totalMs: number
}

/** Transferred beyond the need, so that the next answers find money there. */
const HEADROOM_PERCENT = 100n

/** Buys answers: chooses, funds, sends, verifies, keeps the receipt. */
export class Inference {
  readonly #session: Session
  readonly #funding: Funding
  readonly #tokens: SessionTokens
  /** Worst cost of requests under way, neuron by provider. */
  readonly #underWay = new Map<string, bigint>()
  readonly #judge: AnswerJudge

  constructor(session: Session, funding: Funding, tokens: SessionTokens) {
    this.#session = session
    this.#funding = funding
    this.#tokens = tokens
    this.#judge = new AnswerJudge(session)
  }

  /**
   * One paid answer. Yields its text as it comes; returns the answer with its verdict, also when that is
   * `rejected`.
   * @throws AppError among others `provider_unknown`, `model_unknown`, `provider_rejected`, `max_cost_exceeded`,
   * `funding_needed`, `insufficient_funds`, `price_changed`, `answer_cut`
   */
  async *chat(request: InferenceRequest, hooks: InferenceHooks = {}): AsyncGenerator<string, Answer> {
    const { runtime } = this.#session
    hooks.onStage?.('discover')
    const offer = await pickOffer(this.#session, request)
    const [checked, account] = await Promise.all([
      checkProvider(this.#session, offer.service),
      this.#account(offer.service.provider),
    ])
    assertNotRejected(checked, offer.service)
    const prepared = prepareBody(request, offer)
    await hooks.onOffer?.(offer, prepared.worst)
    const release = this.#reserve(offer.service.provider, prepared.worst)
    try {
      hooks.onStage?.('fund')
      await this.#fund(offer, account, hooks)
      hooks.onStage?.('send')
      const finished = yield* this.#send(request, offer, prepared.body, account, hooks)
      hooks.onStage?.('verify')
      const now = runtime.now()
      return await this.#conclude(offer, checked, prepared, finished, now)
    } finally {
      release()
    }
  }

  #account(provider: Address): Promise<Account | null> {
    const { address } = requireAccount(this.#session)
    return findAccount(this.#session.inference, address, provider)
  }

  /** Notes the worst cost of a request while it runs. */
  #reserve(provider: Address, amount: bigint): () => void {
    const key = provider.toLowerCase()
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0n) + amount)
    return () => this.#underWay.set(key, (this.#underWay.get(key) ?? 0n) - amount)
  }

  /** Makes sure that the provider can set the worst cost of everything under way aside, and what is owed. */
  async #fund({ service }: Offer, account: Account | null, hooks: FundingHooks): Promise<void> {
    const owed = account ? await this.#owed(service.provider, service.url, account) : 0n
    const needed = () => owed + (this.#underWay.get(service.provider.toLowerCase()) ?? 0n)
    await this.#funding.ensure(service.provider, needed, hooks, HEADROOM_PERCENT)
  }

  /** What the provider says is owed, at most what lies there: it admits nothing that is not covered. */
  async #owed(provider: Address, url: string, account: Account): Promise<bigint> {
    const token = await this.#tokens.get(provider, account.generation)
    const claimed = await new BrokerApi(this.#session.runtime, url).unsettledFee(account.user, token)
    const free = freeBalance(account)
    return claimed < free ? claimed : free
  }

  /** Sends; a token that was revoked since is made again, a shortfall that the broker states is filled, once. */
  async *#send(
    request: InferenceRequest,
    offer: Offer,
    body: Uint8Array,
    account: Account | null,
    hooks: FundingHooks,
  ): AsyncGenerator<string, FinishedExchange> {
    const { provider } = offer.service
    let generation = account?.generation ?? (await this.#account(provider))?.generation ?? 0
    for (let attempt = 0; ; attempt++) {
      const token = await this.#tokens.get(provider, generation)
      try {
        return yield* exchange(this.#session.runtime, {
          proxyUrl: new BrokerApi(this.#session.runtime, offer.service.url).proxyUrl,
          endpoint: CHAT_ENDPOINT,
          token,
          body,
          prices: offer.prices,
          stream: request.stream ?? true,
          ...(request.signal && { signal: request.signal }),
        })
      } catch (error) {
        if (attempt > 0 || !(error instanceof AppError)) throw error
        if (error.status === 401) this.#tokens.forget(provider)
        else if (error.status !== 402 || !(await this.#fillShortfall(provider, error, hooks))) throw error
        generation = (await this.#account(provider))?.generation ?? generation
      }
    }
  }

  /** The broker is asked once what it misses; more than twice what this client expects is not paid. */
  async #fillShortfall(provider: Address, error: AppError, hooks: FundingHooks): Promise<boolean> {
    const shortfall = error.details?.shortfall
    if (typeof shortfall !== 'string' || !/^\d{1,30}$/.test(shortfall)) return false
    const underWay = this.#underWay.get(provider.toLowerCase()) ?? 0n
    if (BigInt(shortfall) > 2n * underWay) return false
    const state = await this.#funding.state(provider)
    const free = state.account ? freeBalance(state.account) : 0n
    await this.#funding.ensure(provider, () => free + BigInt(shortfall), hooks)
    return true
  }

  async #conclude(
    offer: Offer,
    checked: CheckedProvider,
    { body, maxTokens }: PreparedBody,
    finished: FinishedExchange,
    now: number,
  ): Promise<Answer> {
    const { answer, cut } = finished
    const token = await this.#tokens.latest(offer.service.provider)
    const { verdict, receipt } = await this.#judge.judge({
      offer,
      checked,
      body,
      maxTokens,
      finished,
      token,
      now,
    })
    if (cut) throw withReceipt(cut, receipt)
    return {
      id: finished.id,
      provider: offer.service.provider,
      model: offer.model,
      text: answer.text,
      finishReason: answer.finishReason,
      usage: answer.usage,
      fee: receipt?.receipt.fee ?? null,
      verdict,
      receipt,
      firstTextMs: finished.firstTextMs,
      totalMs: finished.totalMs,
    }
  }
}

interface PreparedBody {
  readonly body: Uint8Array
  readonly maxTokens: number
  /** The most that the answer can cost, neuron. */
  readonly worst: bigint
}

function prepareBody(request: InferenceRequest, offer: Offer): PreparedBody {
  const { messages, temperature, stream = true } = request
  const make = (maxTokens: number) =>
    chatBody({
      model: offer.model,
      messages,
      maxTokens,
      stream,
      ...(temperature !== undefined && { temperature }),
    })
  // The number of tokens is part of the body: 16 digits are more than it can take.
  const bodyBytes = make(Number.MAX_SAFE_INTEGER).length
  const maxTokens = chooseMaxTokens({
    asked: request.maxTokens,
    maxCost: request.maxCost,
    contextLength: offer.contextLength,
    bodyBytes,
    prices: offer.prices,
  })
  return { body: make(maxTokens), maxTokens, worst: worstCost(bodyBytes, maxTokens, offer.prices) }
}

const withReceipt = (cut: AppError, receipt: SignedReceipt | null): AppError =>
  new AppError({
    code: cut.code,
    message: cut.message,
    ...(cut.hint !== undefined && { hint: cut.hint }),
    ...(cut.next !== undefined && { next: cut.next }),
    retryable: cut.retryable,
    exitCode: cut.exitCode,
    details: { ...cut.details, fee: receipt ? receipt.receipt.fee.toString() : null },
    cause: cut,
  })
