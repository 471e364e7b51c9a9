import type { Cache } from '../recall/cache.ts'
import { SingleFlight } from '../singleFlight.ts'

/** How long something holds. */
export interface Hold {
  /** What this process read, ms. */
  readonly holdMs: number
  /** What an earlier one read, ms. Without a cache nothing is kept. */
  readonly keptMs: number
  readonly cache?: Cache | undefined
  /** Begins the names in the cache. */
  readonly name: string
}

interface Entry<T> {
  readonly value: T
  readonly readAt: number
}

/** Results that hold for a while. Calls for the same thing that come together share one reading. */
export class Remembered<T extends object> {
  readonly #values = new Map<string, Entry<T>>()
  /** What an earlier process read. */
  readonly #kept = new Set<string>()
  readonly #flights = new SingleFlight()
  readonly #hold: Hold
  readonly #now: () => number

  constructor(hold: Hold, now: () => number) {
    this.#hold = hold
    this.#now = now
  }

  /** What was read a moment ago, or is read now. A failure is not remembered. */
  async get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#values.get(key) ?? this.#recall(key)
    if (known && this.#isCurrent(key, known)) return known.value
    return this.#flights.run(key, async () => {
      const readAt = this.#now()
      const value = await read()
      this.#kept.delete(key)
      this.#values.set(key, { value, readAt })
      this.#hold.cache?.write(this.#nameOf(key), { value, readAt })
      return value
    })
  }

  forget(key: string): void {
    this.#values.delete(key)
    this.#hold.cache?.forget(this.#nameOf(key))
  }

  /** Forgets what an earlier process read. @returns whether there was any */
  forgetKept(): boolean {
    const hadAny = this.#kept.size > 0
    for (const key of this.#kept) this.forget(key)
    this.#kept.clear()
    return hadAny
  }

  #recall(key: string): Entry<T> | undefined {
    const entry = this.#hold.cache?.read(this.#nameOf(key)) as Entry<T> | null | undefined
    if (!entry) return undefined
    this.#kept.add(key)
    this.#values.set(key, entry)
    return entry
  }

  #isCurrent(key: string, { readAt }: Entry<T>): boolean {
    const age = this.#now() - readAt
    return age >= 0 && age < (this.#kept.has(key) ? this.#hold.keptMs : this.#hold.holdMs)
  }

  #nameOf(key: string): string {
    return key === '' ? this.#hold.name : `${this.#hold.name}-${key}`
  }
}
