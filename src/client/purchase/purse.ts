import { smaller } from '../../base/bigint.ts'
import type { Address } from '../../base/hex.ts'
import { type Account, freeBalance } from '../../chain/account.ts'
import type { Cache } from '../recall/cache.ts'

/** What was read holds this long, ms: another machine may spend from the same account. */
const HOLD_MS = 60_000
/** What an earlier process read holds this long, ms: where it is wrong the broker refuses, and it is read anew. */
const KEPT_MS = 10 * 60_000

interface Reading {
  readonly account: Account
  /** Owed and not settled when it was read, neuron. */
  readonly owed: bigint
  readonly readAt: number
  /** Spent here since, neuron. */
  spent: bigint
}

/** What lies at each provider, as far as this client knows without asking. */
export class Purse {
  readonly #readings = new Map<string, Reading>()
  /** Providers whose reading is an earlier process's. */
  readonly #kept = new Set<string>()
  /** Worst cost of requests under way, neuron. */
  readonly #underWay = new Map<string, bigint>()
  readonly #cache: Cache | undefined
  readonly #user: Address | undefined

  /** @param user whose money it is */
  constructor(cache?: Cache, user?: Address) {
    this.#cache = cache
    this.#user = user
  }

  /** Notes the worst cost of a request while it runs. */
  reserve(provider: Address, amount: bigint): () => void {
    const key = provider.toLowerCase()
    this.#underWay.set(key, this.underWay(provider) + amount)
    let held = true
    return () => {
      if (held) this.#underWay.set(key, this.underWay(provider) - amount)
      held = false
    }
  }

  /** Worst cost of everything under way at a provider, neuron. */
  underWay(provider: Address): bigint {
    return this.#underWay.get(provider.toLowerCase()) ?? 0n
  }

  /** Keeps what was read. `owed` counts for at most what lies there: a broker admits nothing that is not covered. */
  remember(account: Account, owed: bigint, now: number): void {
    const key = account.provider.toLowerCase()
    this.#kept.delete(key)
    this.#keep(key, { account, owed: smaller(owed, freeBalance(account)), readAt: now, spent: 0n })
  }

  /** An answer cost this much, neuron. */
  spend(provider: Address, amount: bigint): void {
    const key = provider.toLowerCase()
    const reading = this.#readings.get(key)
    if (!reading) return
    reading.spent += amount
    this.#keep(key, reading)
  }

  /**
   * Whether everything under way is covered by what is known to lie there.
   * @param needsSigner whether the account has to acknowledge one too
   */
  covers(provider: Address, now: number, needsSigner = true): boolean {
    const reading = this.#current(provider, now)
    if (!reading || (needsSigner && !reading.account.acknowledged)) return false
    return freeBalance(reading.account) - reading.owed - reading.spent >= this.underWay(provider)
  }

  /** Generation of the account, or null when it has to be read. */
  generation(provider: Address, now: number): number | null {
    return this.#current(provider, now)?.account.generation ?? null
  }

  /** Whether what is known of a provider comes from an earlier process. */
  isKept(provider: Address): boolean {
    return this.#kept.has(provider.toLowerCase())
  }

  /** What is known has turned out to be wrong. */
  forget(provider: Address): void {
    const key = provider.toLowerCase()
    this.#readings.delete(key)
    this.#kept.delete(key)
    this.#cache?.forget(this.#nameOf(key))
  }

  #current(provider: Address, now: number): Reading | null {
    const key = provider.toLowerCase()
    const reading = this.#readings.get(key) ?? this.#recall(key)
    if (!reading) return null
    const age = now - reading.readAt
    return age >= 0 && age < (this.#kept.has(key) ? KEPT_MS : HOLD_MS) ? reading : null
  }

  #keep(key: string, reading: Reading): void {
    this.#readings.set(key, reading)
    this.#cache?.write(this.#nameOf(key), reading)
  }

  #recall(key: string): Reading | null {
    const reading = (this.#cache?.read(this.#nameOf(key)) ?? null) as Reading | null
    if (!reading) return null
    this.#kept.add(key)
    this.#readings.set(key, reading)
    return reading
  }

  #nameOf(key: string): string {
    return `account-${this.#user?.toLowerCase()}-${key}`
  }
}
