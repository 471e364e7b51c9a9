/** Weight of the newest measurement. */
const ALPHA = 0.3
/** A measurement that is older does not speak for now, ms. */
const FRESH_MS = 5 * 60_000
/** After a failure a provider is asked last for this long, ms; twice as long after each further one. */
const REST_MS = 15_000
const MAX_REST_MS = 5 * 60_000

interface Record {
  /** Moving average until the first text, ms; null before the first answer. */
  firstTextMs: number | null
  measuredAt: number
  /** How long its list of models took, ms: no answer can come faster. */
  probeMs: number | null
  failures: number
  failedAt: number
}

/** What became of recent requests, by provider. Times are ms of the caller's clock. */
export class ProviderHealth {
  readonly #records = new Map<string, Record>()

  /** An answer began. */
  succeeded(provider: string, firstTextMs: number, now: number): void {
    const record = this.#of(provider)
    const before = isFresh(record, now) ? record.firstTextMs : null
    record.firstTextMs = before === null ? firstTextMs : before + ALPHA * (firstTextMs - before)
    record.measuredAt = now
    record.failures = 0
  }

  failed(provider: string, now: number): void {
    const record = this.#of(provider)
    record.failures++
    record.failedAt = now
  }

  /** Its list of models took this long. */
  probed(provider: string, ms: number): void {
    const record = this.#of(provider)
    record.probeMs = record.probeMs === null ? ms : record.probeMs + ALPHA * (ms - record.probeMs)
  }

  /**
   * Until the first text, ms, as far as is known: the moving average, else the least that it can be, so that who
   * was never asked is asked once. Infinity for who was never seen.
   */
  latency(provider: string, now: number): number {
    const record = this.#of(provider)
    const measured = isFresh(record, now) ? record.firstTextMs : null
    return measured ?? record.probeMs ?? Number.POSITIVE_INFINITY
  }

  /** The moving average until the first text, ms, or null. */
  measured(provider: string, now: number): number | null {
    const record = this.#of(provider)
    return isFresh(record, now) ? record.firstTextMs : null
  }

  /** Whether it failed a moment ago: it is asked when nobody else can be. */
  isResting(provider: string, now: number): boolean {
    const { failures, failedAt } = this.#of(provider)
    if (failures === 0) return false
    return now - failedAt < Math.min(MAX_REST_MS, REST_MS * 2 ** (failures - 1))
  }

  #of(provider: string): Record {
    const key = provider.toLowerCase()
    let record = this.#records.get(key)
    if (!record) {
      record = { firstTextMs: null, measuredAt: 0, probeMs: null, failures: 0, failedAt: 0 }
      this.#records.set(key, record)
    }
    return record
  }
}

const isFresh = ({ measuredAt }: Record, now: number): boolean => now - measuredAt < FRESH_MS
