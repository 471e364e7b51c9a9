/**
 * Nonces that were used, for as long as a request that carries one would still be taken. Kept by the time that was
 * signed with them, so that forgetting costs nothing.
 */
export class SeenNonces {
  readonly #windowSeconds: number
  /** By `time` divided by the window: at most three of them can still matter. */
  readonly #ages = new Map<number, Set<string>>()

  /** @param windowSeconds how far a signed time may be from this clock's, on both sides */
  constructor(windowSeconds: number) {
    this.#windowSeconds = windowSeconds
  }

  get size(): number {
    return [...this.#ages.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /**
   * Notes a nonce whose time is inside the window.
   * @param time that was signed with it, unix seconds
   * @param now unix seconds
   * @returns false when it was used before
   */
  take(nonce: string, time: number, now: number): boolean {
    const age = Math.floor(time / this.#windowSeconds)
    const nonces = this.#ages.get(age) ?? this.#begin(age, now)
    if (nonces.has(nonce)) return false
    nonces.add(nonce)
    return true
  }

  #begin(age: number, now: number): Set<string> {
    const oldest = Math.floor((now - this.#windowSeconds) / this.#windowSeconds)
    for (const known of this.#ages.keys()) if (known < oldest) this.#ages.delete(known)
    const nonces = new Set<string>()
    this.#ages.set(age, nonces)
    return nonces
  }
}
