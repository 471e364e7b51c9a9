import { AppError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { parse0G } from '../../base/units.ts'

export interface RateFeedOptions {
  /** Answers JSON. */
  readonly url: string
  /** Where the rate stands in it, by names and indexes: `data.0.price`. */
  readonly field: string
  readonly refreshMs: number
  /** A rate that is older is not sold by. */
  readonly maxAgeMs: number
  /** A reading that differs more from the last one is not believed, percent. */
  readonly maxStepPercent: number
  readonly log: Logger
  readonly now?: () => number
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 1024 * 1024
const DECIMAL = /^\d{1,12}(\.\d{1,18})?$/
const DECIMALS = 18

/** Dollars per 0G from a feed that the operator chose, read again and again. What it says once is never enough to rob. */
export class RateFeed {
  readonly #options: RateFeedOptions
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()
  #last: { readonly rate: bigint; readonly at: number } | undefined
  #timer: NodeJS.Timeout | undefined

  private constructor(options: RateFeedOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Reads it once, and then on. @throws AppError `rate_unavailable` */
  static async start(options: RateFeedOptions): Promise<RateFeed> {
    const feed = new RateFeed(options)
    await feed.read()
    feed.#timer = setInterval(() => void feed.#refresh(), options.refreshMs)
    feed.#timer.unref()
    return feed
  }

  /** 1e-18 dollars per 0G. @throws AppError `rate_stale` (503) */
  rate(): bigint {
    const isFresh = this.#last && this.#now() - this.#last.at <= this.#options.maxAgeMs
    if (!isFresh) throw rateStale()
    return this.#last!.rate
  }

  /** @throws AppError `rate_unavailable` when it does not answer, or says what is not believed */
  async read(): Promise<void> {
    const rate = await this.#fetch()
    const { maxStepPercent } = this.#options
    const last = this.#last?.rate
    if (last !== undefined && stepOf(last, rate) > BigInt(maxStepPercent))
      throw unavailable(`it jumped by more than ${maxStepPercent} % at once`)
    this.#last = { rate, at: this.#now() }
    if (rate !== last) for (const listener of this.#listeners) listener()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #refresh(): Promise<void> {
    return this.read().catch((error: AppError) => {
      this.#options.log.warn('rate_unavailable', { reason: error.message })
    })
  }

  async #fetch(): Promise<bigint> {
    const { url, field } = this.#options
    const text = await textAt(url)
    const value = field.split('.').reduce<unknown>(childOf, tryParse(text))
    const decimal = typeof value === 'number' ? value.toFixed(DECIMALS) : value
    if (typeof decimal !== 'string' || !DECIMAL.test(decimal) || parse0G(decimal) === 0n)
      throw unavailable(`there is no price at ${field}`)
    return parse0G(decimal)
  }
}

const stepOf = (from: bigint, to: bigint): bigint =>
  ((to > from ? to - from : from - to) * 100n + from - 1n) / from

async function textAt(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`)
    let text = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.length > MAX_BYTES) throw new Error('too much')
    }
    return text
  } catch (cause) {
    throw unavailable('it does not answer', cause)
  }
}

const childOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const unavailable = (why: string, cause?: unknown): AppError =>
  new AppError({
    code: 'rate_unavailable',
    message: `The feed of the dollar's rate cannot be used: ${why}`,
    hint: 'Look at prices.usd: rateUrl and rateField; a fixed rate needs no feed',
    next: '0g-compute provider check',
    retryable: true,
    ...(cause !== undefined && { cause }),
  })

export const rateStale = (): AppError =>
  new AppError({
    code: 'rate_stale',
    message: 'This provider prices in dollars and does not know what a 0G is worth now',
    hint: 'Nothing was charged. Try again later, or another provider',
    next: '0g-compute provider list',
    retryable: true,
    status: 503,
  })
