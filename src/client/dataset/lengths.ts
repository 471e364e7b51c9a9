/** How many samples have a length from `from` up to before `to`. */
export interface LengthBucket {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** The distribution of lengths. */
export interface LengthReport {
  readonly unit: 'tokens' | 'characters'
  readonly total: number
  readonly shortest: number
  readonly longest: number
  readonly mean: number
  /** Doubling in width; without empty ones at the ends. */
  readonly histogram: readonly LengthBucket[]
}

/** Collects lengths in constant memory. */
export class Lengths {
  readonly #unit: LengthReport['unit']
  /** Bucket i holds lengths below 2^i that bucket i - 1 does not. */
  readonly #buckets: number[] = []
  #count = 0
  #total = 0
  #shortest = Number.POSITIVE_INFINITY
  #longest = 0

  constructor(unit: LengthReport['unit']) {
    this.#unit = unit
  }

  add(length: number): void {
    const bucket = length < 1 ? 0 : Math.floor(Math.log2(length)) + 1
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    this.#total += length
    this.#shortest = Math.min(this.#shortest, length)
    this.#longest = Math.max(this.#longest, length)
  }

  report(): LengthReport {
    const all = Array.from(this.#buckets, (count = 0, i) => ({
      from: i ? 2 ** (i - 1) : 0,
      to: 2 ** i,
      count,
    }))
    return {
      unit: this.#unit,
      total: this.#total,
      shortest: this.#count ? this.#shortest : 0,
      longest: this.#longest,
      mean: this.#count ? Math.round(this.#total / this.#count) : 0,
      histogram: all.slice(all.findIndex(({ count }) => count > 0)),
    }
  }
}
