import { SingleFlight } from '../singleFlight.ts'

/** Results that hold for a while. Calls for the same thing that come together share one reading. */
export class Remembered<T> {
  readonly #values = new Map<string, { readonly value: T; readonly readAt: number }>()
  readonly #flights = new SingleFlight()
  readonly #holdMs: number
  readonly #now: () => number

  constructor(holdMs: number, now: () => number) {
    this.#holdMs = holdMs
    this.#now = now
  }

  /** What was read a moment ago, or is read now. A failure is not remembered. */
  async get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#values.get(key)
    if (known && this.#now() - known.readAt < this.#holdMs) return known.value
    return this.#flights.run(key, async () => {
      const readAt = this.#now()
      const value = await read()
      this.#values.set(key, { value, readAt })
      return value
    })
  }

  forget(key: string): void {
    this.#values.delete(key)
  }
}
