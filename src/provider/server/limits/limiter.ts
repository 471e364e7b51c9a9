import type { Address } from '../../../base/hex.ts'
import type { Places } from '../../ledger/places.ts'
import { globalConcurrency, requestRate, tokenBudget, tokenRate, userConcurrency } from './errors.ts'
import { type Limits, limitsOf, type UserLimits } from './limits.ts'
import { rateHeaders } from './rateHeaders.ts'
import { SharedLimits, type SharedPlace } from './sharedLimits.ts'
import type { SharedRequest } from './sharedRound.ts'
import { TokenBucket } from './tokenBucket.ts'

/** Callers without an account that may be told so at the same time. */
const STRANGERS_AT_ONCE = 64
/** After so many entries, users of whom nothing needs to be remembered are forgotten. */
const SWEEP_EVERY = 4096

interface UserState {
  readonly limits: UserLimits
  readonly requests: TokenBucket
  readonly tokens: TokenBucket
  running: number
}

/** A request's place. Everything that it took here goes back with `leave`. */
export interface Pass {
  /** State of the user's limits as response headers; none for strangers. */
  readonly headers: Readonly<Record<string, string>>
  /** Takes room for the most tokens that the request can hold. @throws AppError `token_budget` (429) */
  reserveTokens(tokens: number): void
  /**
   * Takes the place, with the tokens that it holds, among all replicas as well; nothing to wait for where there is one.
   * It is left once the request is charged, which is after its client may have gone.
   * @param money the key that carries a limit, what the account and its vouchers have to cover; and what may run once
   * @throws AppError those of `SharedLimits.take`
   */
  share(money: Pick<SharedRequest, 'key' | 'covered' | 'once'>): Promise<SharedPlace> | undefined
  /** Takes what an answer used from the user's minute. */
  spendTokens(tokens: number): void
  leave(): void
}

/** What becomes of a pass. */
interface Uses {
  readonly user: Address | null
  spend(tokens: number): void
  leave(): void
}

/** Who may run a request now: by user and in total. Knows nothing of money. */
export class Limiter {
  #limits: Limits
  /** Of all replicas; null where there is one process. */
  readonly #shared: SharedLimits | null
  readonly #users = new Map<string, UserState>()
  readonly #now: () => number
  #running = 0
  #strangers = 0
  #tokens = 0
  #entries = 0

  constructor(limits: Limits, now: () => number = Date.now, places: Places | null = null) {
    this.#limits = limits
    this.#shared = places && new SharedLimits(places, () => this.#limits)
    this.#now = now
  }

  get limits(): Limits {
    return this.#limits
  }

  /** Requests that run. */
  get running(): number {
    return this.#running
  }

  /** Tokens that running requests may hold. */
  get tokensInFlight(): number {
    return this.#tokens
  }

  /** Other limits from now on. What users took of their minute stays taken. */
  change(limits: Limits): void {
    this.#limits = limits
    const now = this.#now()
    for (const [key, state] of this.#users) {
      const own = limitsOf(limits, key)
      state.requests.resize(own.requestsPerMinute, now)
      state.tokens.resize(own.tokensPerMinute, now)
      this.#users.set(key, { ...state, limits: own })
    }
  }

  /**
   * A place for a request of a user with an account.
   * @throws AppError `global_concurrency` (503), `concurrency`, `rate_limit`, `tpm_limit` (429)
   */
  enter(user: Address): Pass {
    const now = this.#now()
    const { concurrent } = this.#limits
    if (concurrent && this.#running >= concurrent) throw globalConcurrency(concurrent)
    const key = user.toLowerCase()
    const state = this.#stateOf(key, now)
    const own = state.limits
    if (own.concurrent && state.running >= own.concurrent) throw userConcurrency(own.concurrent)
    if (own.tokensPerMinute && state.tokens.level(now) <= 0)
      throw tokenRate(own.tokensPerMinute, state.tokens.waitMs(1, now))
    if (!state.requests.take(1, now)) throw requestRate(own.requestsPerMinute, state.requests.waitMs(1, now))
    this.#running++
    this.#add(key, 1)
    return this.#pass(rateHeaders(state.requests, state.tokens, now), {
      user: key as Address,
      spend: (tokens) => {
        this.#users.get(key)?.tokens.spend(tokens, this.#now())
        this.#shared?.spend(key as Address, tokens)
      },
      leave: () => {
        this.#running--
        this.#add(key, -1)
      },
    })
  }

  /** Headers that say where a user stands, for a refusal. */
  headersOf(user: Address): Readonly<Record<string, string>> {
    const state = this.#users.get(user.toLowerCase())
    return state ? rateHeaders(state.requests, state.tokens, this.#now()) : {}
  }

  /** A place for a caller without an account, who will be told what is missing. @throws AppError `global_concurrency` */
  enterStranger(): Pass {
    if (this.#strangers >= STRANGERS_AT_ONCE) throw globalConcurrency(STRANGERS_AT_ONCE)
    this.#strangers++
    return this.#pass({}, { user: null, spend: () => {}, leave: () => this.#strangers-- })
  }

  #pass(headers: Pass['headers'], on: Uses): Pass {
    let held = 0
    let left = false
    return {
      headers,
      reserveTokens: (tokens) => {
        const { tokensInFlight } = this.#limits
        // One request alone always fits: the engine's context bounds it.
        if (tokensInFlight && this.#tokens > 0 && this.#tokens + tokens > tokensInFlight)
          throw tokenBudget(tokensInFlight)
        if (left) return
        held += tokens
        this.#tokens += tokens
      },
      share: (money) => {
        const { user } = on
        if (!this.#shared || user === null) return undefined
        return this.#shared.take({ user, tokens: held, ...money })
      },
      spendTokens: on.spend,
      leave: () => {
        if (left) return
        left = true
        this.#tokens -= held
        on.leave()
      },
    }
  }

  #stateOf(key: string, now: number): UserState {
    const known = this.#users.get(key)
    if (known) return known
    if (++this.#entries % SWEEP_EVERY === 0) this.#sweep(now)
    const limits = limitsOf(this.#limits, key)
    const state = {
      limits,
      requests: new TokenBucket(limits.requestsPerMinute, now),
      tokens: new TokenBucket(limits.tokensPerMinute, now),
      running: 0,
    }
    this.#users.set(key, state)
    return state
  }

  #add(key: string, change: number): void {
    const state = this.#users.get(key)
    if (state) state.running += change
  }

  #sweep(now: number): void {
    for (const [key, { running, requests, tokens }] of this.#users) {
      if (running === 0 && requests.isFull(now) && tokens.isFull(now)) this.#users.delete(key)
    }
  }
}
