/** Weight of the newest measurement where it is slower, and where it is faster than what was known. */
const SLOWER = 0.3
const FASTER = 0.7
/** One measurement counts as at most so many times what was known, and this, ms: a pause need not be the provider's. */
const LEAP = 3
const LEAP_MS = 20
/** The first answers also take the time to connect, and more: of so many the fastest counts. */
const FIRST = 3
/** A measurement that is older does not speak for now, ms. */
const FRESH_MS = 5 * 60_000
/** What an answer of somebody else leaves of a measurement, when it is asked whether to look again. */
const FADING = 0.98
/** After a failure a provider is asked last for this long, ms; twice as long after each further one. */
const REST_MS = 15_000
const MAX_REST_MS = 5 * 60_000

interface Record {
  /** Moving average until the first text, ms; null before the first answer. */
  firstTextMs: number | null
  /** Answers that it is made of. */
  answers: number
  measuredAt: number
  /** Number of the newest one, among those of all. */
  measuredWith: number
  /** How long its list of models takes, ms. */
  probeMs: number | null
  failures: number
  failedAt: number
}

/** What became of recent requests, by provider. Times are ms of the caller's clock. */
export class ProviderHealth {
  readonly #records = new Map<string, Record>()
  /** How much longer than a list of models a first text takes: what is expected of who was never asked, ms. */
  #beyondProbeMs: number | null = null
  /** Answers of all. */
  #answers = 0

  /** An answer began. */
  succeeded(provider: string, firstTextMs: number, now: number): void {
    const record = this.#of(provider)
    const known = this.measured(provider, now)
    record.answers = known === null ? 1 : record.answers + 1
    record.firstTextMs =
      known !== null && record.answers <= FIRST ? Math.min(known, firstTextMs) : moved(known, firstTextMs)
    record.measuredAt = now
    record.measuredWith = ++this.#answers
    record.failures = 0
    if (record.probeMs === null) return
    this.#beyondProbeMs = moved(this.#beyondProbeMs, Math.max(0, firstTextMs - record.probeMs))
  }

  failed(provider: string, now: number): void {
    const record = this.#of(provider)
    record.failures++
    record.failedAt = now
  }

  /** Its list of models took this long. */
  probed(provider: string, ms: number): void {
    const record = this.#of(provider)
    record.probeMs = moved(record.probeMs, ms)
  }

  /** Until the first text, ms: measured, else what others let expect. Infinity for who was never seen. */
  latency(provider: string, now: number): number {
    const expected = (this.#of(provider).probeMs ?? Number.POSITIVE_INFINITY) + (this.#beyondProbeMs ?? 0)
    return this.measured(provider, now) ?? expected
  }

  /** The moving average until the first text, ms, or null. */
  measured(provider: string, now: number): number | null {
    const record = this.#of(provider)
    return isFresh(record, now) ? record.firstTextMs : null
  }

  /** What it may be by now, ms: the less, the more was heard of others since. Nothing is sure of who answered little. */
  hope(provider: string, now: number): number {
    const { answers, measuredWith } = this.#of(provider)
    const measured = this.measured(provider, now)
    if (measured === null || answers < FIRST) return 0
    return measured * FADING ** (this.#answers - measuredWith)
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
      record = {
        firstTextMs: null,
        answers: 0,
        measuredAt: 0,
        measuredWith: 0,
        probeMs: null,
        failures: 0,
        failedAt: 0,
      }
      this.#records.set(key, record)
    }
    return record
  }
}

const isFresh = ({ measuredAt, answers }: Record, now: number): boolean =>
  answers > 0 && now - measuredAt < FRESH_MS

/** The average with a further measurement. */
function moved(average: number | null, ms: number): number {
  if (average === null) return ms
  if (ms < average) return average + FASTER * (ms - average)
  return average + SLOWER * (Math.min(ms, LEAP * average + LEAP_MS) - average)
}
