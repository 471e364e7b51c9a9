const MINUTE_MS = 60_000
/** What sums of fractions are off by, at most. */
const ROUNDING = 1e-6

/** Holds a minute's worth of something and fills evenly. Capacity 0 is bottomless. */
export class TokenBucket {
  #capacity: number
  #level: number
  #at: number

  constructor(perMinute: number, now: number) {
    this.#capacity = perMinute
    this.#level = perMinute
    this.#at = now
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Another capacity; what was used stays used. */
  resize(perMinute: number, now: number): void {
    const used = this.#capacity - this.level(now)
    this.#capacity = perMinute
    this.#level = perMinute - used
  }

  /** What is left; below zero when more was taken than there was. */
  level(now: number): number {
    if (now > this.#at) {
      this.#level = Math.min(this.#capacity, this.#level + ((now - this.#at) * this.#capacity) / MINUTE_MS)
      this.#at = now
    }
    return this.#level
  }

  /** What is missing to a whole minute. */
  used(now: number): number {
    return this.#capacity === 0 ? 0 : this.#capacity - this.level(now)
  }

  /** Takes `count` if there is that much. */
  take(count: number, now: number): boolean {
    if (this.#capacity === 0) return true
    if (this.level(now) < count) return false
    this.#level -= count
    return true
  }

  /** Takes `count`, even below zero; a negative count gives back. */
  spend(count: number, now: number): void {
    if (this.#capacity === 0) return
    this.#level = Math.min(this.#capacity, this.level(now) - count)
  }

  /** Until there is as much as `count`, ms. */
  waitMs(count: number, now: number): number {
    const missing = Math.min(count, this.#capacity) - this.level(now)
    return missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / this.#capacity - ROUNDING)
  }

  isFull = (now: number): boolean => this.level(now) >= this.#capacity
}
