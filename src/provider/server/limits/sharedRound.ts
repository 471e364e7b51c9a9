import type { AppError } from '../../../base/errors.ts'
import { toAppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import { EVERYBODY, type Holding, type Minute, NOTHING, type Usage } from '../../ledger/places.ts'
import { globalConcurrency, requestRate, tokenBudget, tokenRate, userConcurrency } from './errors.ts'
import { type KeyLimit, keyLimitReached } from './keyLimits.ts'
import { type Limits, limitsOf } from './limits.ts'
import { rateHeaders } from './rateHeaders.ts'
import { TokenBucket } from './tokenBucket.ts'

/** What a request takes of what all replicas share. */
export interface SharedRequest {
  /** In lower case. */
  readonly user: Address
  /** The most that it can hold. */
  readonly tokens: number
  /** For a key that carries a limit, and what the request may cost, neuron. */
  readonly key: { readonly limit: KeyLimit; readonly amount: bigint } | null
  readonly covered: Covered
  /** Where the same request may come to another replica, else null. */
  readonly once?: OneOf | null
}

/** An exchange that one replica at a time may run: it is charged once. */
export interface OneOf {
  /** The exchange's. */
  readonly id: string
  /** What the second one is told. */
  refusal(): AppError
}

/** What a request may cost, which account and vouchers have to cover. */
export interface Covered {
  /** Neuron. */
  readonly amount: bigint
  /**
   * @param charged to the user in all
   * @param reserved for its other requests
   * @throws AppError `voucher_missing`, `voucher_insufficient`, `balance_insufficient` (402)
   */
  assertCovers(charged: bigint, reserved: bigint): void
}

/** Headers that say where its user stands, or why it may not run. */
export type RequestEnd = Readonly<Record<string, string>> | AppError

interface Buckets {
  readonly requests: TokenBucket
  readonly tokens: TokenBucket
}

/** One look at what all replicas use, and what is decided on it. Changes nothing of what it is given. */
export class SharedRound {
  readonly #limits: Limits
  readonly #usage: Usage
  readonly #before: ReadonlyMap<string, Holding>
  readonly #holdings = new Map<string, Holding>()
  readonly #buckets = new Map<Address, Buckets>()

  /** @param held what this replica holds */
  constructor(limits: Limits, usage: Usage, held: ReadonlyMap<string, Holding>) {
    this.#limits = limits
    this.#usage = usage
    this.#before = held
  }

  /** What this replica holds now of those that changed. */
  get holdings(): ReadonlyMap<string, Holding> {
    return this.#holdings
  }

  get minutes(): Minute[] {
    const { now } = this.#usage
    return [...this.#buckets].map(([user, { requests, tokens }]) => {
      return { user, requests: requests.used(now), tokens: tokens.used(now), at: now }
    })
  }

  /** Tells the others what this replica holds. */
  tell(holder: string): void {
    this.#holdings.set(holder, this.#own(holder))
  }

  /** Takes what answers used from their user's minute. */
  spend(user: Address, tokens: number): void {
    this.#bucketsOf(user).tokens.spend(tokens, this.#usage.now)
  }

  /** Gives the request its place, or says why not. */
  enter(request: SharedRequest): RequestEnd {
    try {
      this.#assertAlone(request)
      this.#assertRoom(request)
      this.#assertBudget(request)
      this.#assertCovered(request)
      return this.#take(request)
    } catch (refusal) {
      return toAppError(refusal)
    }
  }

  #assertAlone({ once }: SharedRequest): void {
    if (once && this.#all(once.id).running > 0) throw once.refusal()
  }

  #assertRoom({ user, tokens }: SharedRequest): void {
    const { concurrent, tokensInFlight } = this.#limits
    const own = limitsOf(this.#limits, user)
    const all = this.#all(EVERYBODY)
    if (concurrent && all.running >= concurrent) throw globalConcurrency(concurrent)
    if (own.concurrent && this.#all(user).running >= own.concurrent) throw userConcurrency(own.concurrent)
    // One request alone always fits: the engine's context bounds it.
    if (tokensInFlight && all.tokens > 0 && all.tokens + tokens > tokensInFlight)
      throw tokenBudget(tokensInFlight)
  }

  #assertBudget({ key }: SharedRequest): void {
    if (!key) return
    const { limit, amount } = key
    const left = limit.amount - this.#usage.spent(limit) - this.#all(limit.id).amount
    if (amount > left) throw keyLimitReached(limit, left > 0n ? left : 0n, amount, this.#usage.now)
  }

  #assertCovered({ user, covered }: SharedRequest): void {
    covered.assertCovers(this.#usage.charged(user), this.#all(user).amount)
  }

  #take(request: SharedRequest): Readonly<Record<string, string>> {
    const { now } = this.#usage
    const { requests, tokens } = this.#bucketsOf(request.user)
    if (tokens.capacity && tokens.level(now) <= 0) throw tokenRate(tokens.capacity, tokens.waitMs(1, now))
    if (!requests.take(1, now)) throw requestRate(requests.capacity, requests.waitMs(1, now))
    for (const holder of holdersOf(request))
      this.#holdings.set(holder, plus(this.#own(holder), holdingOf(request, holder)))
    return rateHeaders(requests, tokens, now)
  }

  #bucketsOf(user: Address): Buckets {
    const known = this.#buckets.get(user)
    if (known) return known
    const { requestsPerMinute, tokensPerMinute } = limitsOf(this.#limits, user)
    const taken = this.#usage.minute(user)
    const at = taken?.at ?? this.#usage.now
    const buckets = {
      requests: new TokenBucket(requestsPerMinute, at),
      tokens: new TokenBucket(tokensPerMinute, at),
    }
    buckets.requests.spend(taken?.requests ?? 0, at)
    buckets.tokens.spend(taken?.tokens ?? 0, at)
    this.#buckets.set(user, buckets)
    return buckets
  }

  #own = (holder: string): Holding => this.#holdings.get(holder) ?? this.#before.get(holder) ?? NOTHING

  #all = (holder: string): Holding => plus(this.#usage.others(holder), this.#own(holder))
}

/** Of what a request holds a part: of everything, of its user, of its key, and its exchange. */
export const holdersOf = ({ user, key, once }: SharedRequest): string[] => [
  ...[EVERYBODY, user],
  ...(key ? [key.limit.id] : []),
  ...(once ? [once.id] : []),
]

export const holdingOf = ({ user, tokens, key, covered }: SharedRequest, holder: string): Holding => ({
  running: 1,
  tokens,
  amount: holder === key?.limit.id ? key.amount : holder === user ? covered.amount : 0n,
})

export const plus = (a: Holding, b: Holding): Holding => ({
  running: a.running + b.running,
  tokens: a.tokens + b.tokens,
  amount: a.amount + b.amount,
})

export const minus = (a: Holding, b: Holding): Holding => ({
  running: a.running - b.running,
  tokens: a.tokens - b.tokens,
  amount: a.amount - b.amount,
})
