import { toAppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import { EVERYBODY, type Holding, NOTHING, type Places } from '../../ledger/places.ts'
import type { Limits } from './limits.ts'
import {
  holdersOf,
  holdingOf,
  minus,
  plus,
  type RequestEnd,
  type SharedRequest,
  SharedRound,
} from './sharedRound.ts'

/** After the database did not answer, ms. */
const RETRY_MS = 1000
/** Money too low beside what is set aside is looked at so often: another replica may be about to say that it ended. */
const MONEY_TRIES = 5
const MONEY_GAP_MS = 50

/** A place among all replicas. */
export interface SharedPlace {
  /** Where the user stands, by all replicas together, as response headers. */
  readonly headers: Readonly<Record<string, string>>
  leave(): void
}

interface Waiting {
  readonly request: SharedRequest
  readonly tries: number
  resolve(place: SharedPlace): void
  reject(error: unknown): void
}

/**
 * Limits that hold for all replicas of a broker together. Whoever asks while a round is under way shares the next
 * one; in a round this replica, alone among them, looks at what all hold, decides, and notes what it holds itself.
 *
 * Never too much is allowed, except after a crash of the database itself, and beside what a replica still runs that
 * the database has not heard of for a lease. Too much is refused for a moment: a place that was left is free for the
 * other replicas after the next round, some milliseconds later, and what a replica held that died after its lease.
 * What is refused before it reaches an engine counts at its replica alone.
 */
export class SharedLimits {
  readonly #places: Places
  readonly #limits: () => Limits
  /** What requests of this replica hold. */
  readonly #held = new Map<string, Holding>()
  /** Holders of whom the others do not know it yet. */
  #changed = new Set<string>()
  /** Tokens that were used, and are not counted yet. */
  #spent = new Map<Address, number>()
  #waiting: Waiting[] = []
  #isRunning = false

  constructor(places: Places, limits: () => Limits) {
    this.#places = places
    this.#limits = limits
  }

  /**
   * @throws AppError `global_concurrency` (503), `concurrency`, `rate_limit`, `tpm_limit`, `token_budget` (429),
   * `key_limit_reached`, `voucher_missing`, `voucher_insufficient`, `balance_insufficient` (402), `ledger_unavailable`
   * (503), and what an exchange that runs elsewhere is refused with
   */
  take(request: SharedRequest): Promise<SharedPlace> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, tries: 1, resolve, reject })
      this.#wake()
    })
  }

  /** Takes what an answer used from its user's minute. */
  spend(user: Address, tokens: number): void {
    this.#spent.set(user, (this.#spent.get(user) ?? 0) + tokens)
    this.#wake()
  }

  #wake(): void {
    if (this.#isRunning || !this.#isWanted) return
    this.#isRunning = true
    // Calls of the same turn of the event loop share a round.
    setImmediate(() => {
      void this.#round().then((isDone) => {
        this.#isRunning = false
        if (isDone || this.#waiting.length > 0) this.#wake()
      })
    })
  }

  get #isWanted(): boolean {
    return this.#waiting.length > 0 || this.#changed.size > 0 || this.#spent.size > 0
  }

  /** @returns false where the database does not answer: what it was not told is told when it does */
  async #round(): Promise<boolean> {
    const [waiting, changed, spent] = [this.#waiting, this.#changed, this.#spent]
    this.#waiting = []
    this.#changed = new Set()
    this.#spent = new Map()
    const keys = waiting.flatMap(({ request }) => request.key?.limit ?? [])
    const asked = waiting.flatMap(({ request }) => holdersOf(request))
    const payers = [...new Set(waiting.map(({ request }) => request.user))]
    const holders = [...new Set([EVERYBODY, ...changed, ...spent.keys(), ...asked])]
    try {
      const ends = await this.#places.change({ holders, keys, payers }, (usage) => {
        const round = new SharedRound(this.#limits(), usage, this.#held)
        for (const holder of changed) round.tell(holder)
        for (const [user, tokens] of spent) round.spend(user, tokens)
        const result = waiting.map(({ request }) => round.enter(request))
        return { holdings: round.holdings, minutes: round.minutes, result }
      })
      for (const [index, one] of waiting.entries()) this.#end(one, ends[index]!)
      return true
    } catch (error) {
      for (const { reject } of waiting) reject(error)
      for (const holder of [...changed, ...asked]) this.#changed.add(holder)
      for (const [user, tokens] of spent) this.#spent.set(user, (this.#spent.get(user) ?? 0) + tokens)
      if (toAppError(error).retryable) setTimeout(() => this.#wake(), RETRY_MS).unref()
      return false
    }
  }

  #end(waiting: Waiting, end: RequestEnd): void {
    const { request, tries, resolve, reject } = waiting
    if (end instanceof Error) {
      const mayPass = end.status === 402 && end.retryable && tries < MONEY_TRIES
      if (mayPass) setTimeout(() => this.#askAgain(waiting), MONEY_GAP_MS)
      else reject(end)
      return
    }
    for (const holder of holdersOf(request))
      this.#held.set(holder, plus(this.#held.get(holder) ?? NOTHING, holdingOf(request, holder)))
    resolve({ headers: end, leave: () => this.#leave(request) })
  }

  #askAgain(waiting: Waiting): void {
    this.#waiting.push({ ...waiting, tries: waiting.tries + 1 })
    this.#wake()
  }

  #leave(request: SharedRequest): void {
    for (const holder of holdersOf(request)) {
      const left = minus(this.#held.get(holder) ?? NOTHING, holdingOf(request, holder))
      if (left.running > 0) this.#held.set(holder, left)
      else this.#held.delete(holder)
      this.#changed.add(holder)
    }
    this.#wake()
  }
}
