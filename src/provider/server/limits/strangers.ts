import { Lru } from '../../lru.ts'
import { tooManyStrangers } from './errors.ts'
import type { Limits } from './limits.ts'
import { TokenBucket } from './tokenBucket.ts'

const MAX_ADDRESSES = 10_000

/** Bounds what callers cost who are not known to be customers: signature checks, and look-ups on the chain. */
export class Strangers {
  #limits: Limits['strangers']
  #byIp = new Lru<string, TokenBucket>(MAX_ADDRESSES)
  #all: TokenBucket
  readonly #now: () => number

  constructor(limits: Limits['strangers'], now: () => number = Date.now) {
    this.#limits = limits
    this.#now = now
    this.#all = new TokenBucket(limits.perMinute, now())
  }

  change(limits: Limits['strangers']): void {
    this.#limits = limits
    this.#byIp = new Lru(MAX_ADDRESSES)
    this.#all = new TokenBucket(limits.perMinute, this.#now())
  }

  /**
   * Takes one check or look-up.
   * @returns gives it back, for one who turned out to be a customer
   * @throws AppError `unknown_callers_limited` (429)
   */
  take(ip: string): () => void {
    const now = this.#now()
    const own = this.#bucketOf(ip, now)
    if (!own.take(1, now)) throw tooManyStrangers(own.waitMs(1, now))
    if (!this.#all.take(1, now)) {
      own.spend(-1, now)
      throw tooManyStrangers(this.#all.waitMs(1, now))
    }
    return () => {
      own.spend(-1, this.#now())
      this.#all.spend(-1, this.#now())
    }
  }

  #bucketOf(ip: string, now: number): TokenBucket {
    const known = this.#byIp.get(ip)
    if (known) return known
    const bucket = new TokenBucket(this.#limits.perIpPerMinute, now)
    this.#byIp.set(ip, bucket)
    return bucket
  }
}
