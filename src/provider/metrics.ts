import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { LogFields, Logger } from '../base/log.ts'
import { ONE_0G } from '../base/units.ts'
import type { Unsettled } from './ledger/ledger.ts'
import type { Answered, Telemetry } from './server/telemetry.ts'

/** What is looked at when somebody scrapes. Ages in ms. */
export interface MetricSources {
  running(): number
  tokensInFlight(): number
  headAgeMs(): number
  engineReady(): boolean
  unsettled(): Promise<Unsettled>
}

/** What is known of fine-tuning. */
export interface TaskSources {
  counts(): Promise<{ state: string; tasks: number }[]>
  readonly slots: { readonly running: number }
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/**
 * The broker's figures for Prometheus. Labels are route names, models that are served, error codes and statuses:
 * nothing that a caller writes, so their number is bounded.
 * @see provider-broker.md section 1.17 for the names that the present broker has too
 */
export class Metrics implements Telemetry {
  readonly #registry = new Registry()
  readonly #requests: Counter<'path' | 'status'>
  readonly #errors: Counter<'path' | 'status'>
  readonly #rejected: Counter<'reason'>
  readonly #failures: Counter<'code'>
  readonly #duration: Histogram<'path'>
  readonly #firstByte: Histogram<'model'>
  readonly #answers: Counter<'model' | 'stream'>
  readonly #inputTokens: Counter<'model'>
  readonly #outputTokens: Counter<'model'>
  readonly #tokensPerSecond: Histogram<'model'>
  readonly #settlements: Counter
  readonly #settledAmount: Counter
  readonly #settlementErrors: Counter
  readonly #events: Counter<'event' | 'level'>

  constructor(provider: string) {
    const registers = [this.#registry]
    this.#registry.setDefaultLabels({ server: '0g-compute', provider_address: provider })
    collectDefaultMetrics({ register: this.#registry })
    const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
      new Counter({ name, help, labelNames, registers })
    this.#requests = counter('broker_requests_total', 'Responses', ['path', 'status'])
    this.#errors = counter('broker_requests_errors_total', 'Responses with status 400 and above', [
      'path',
      'status',
    ])
    this.#rejected = counter('broker_requests_rejected_total', 'Refused before the engine, by code', [
      'reason',
    ])
    this.#failures = counter('broker_request_failures_total', 'Failed with status 500 and above, by code', [
      'code',
    ])
    this.#answers = counter('broker_answers_total', 'Answers of the engine', ['model', 'stream'])
    this.#inputTokens = counter('broker_input_tokens_total', 'Prompt tokens charged', ['model'])
    this.#outputTokens = counter('broker_output_tokens_total', 'Answer tokens charged', ['model'])
    this.#settlements = counter('event_settle_count_total', 'Payments taken on chain', [])
    this.#settledAmount = counter('broker_settled_0g_total', 'Paid on chain, in 0G', [])
    this.#settlementErrors = counter('event_settle_errors_total', 'Settlement runs that ended early', [])
    this.#events = counter('broker_events_total', 'Log events, whether written or not', ['event', 'level'])
    const histogram = <T extends string>(name: string, help: string, labelNames: T[], buckets = SECONDS) =>
      new Histogram({ name, help, labelNames, buckets, registers })
    this.#duration = histogram('broker_request_duration_seconds', 'Until the response was over', ['path'])
    this.#firstByte = histogram('broker_engine_first_byte_seconds', 'Until the engine began', ['model'])
    this.#tokensPerSecond = histogram(
      'broker_tokens_per_second',
      'Answer tokens a second of one answer',
      ['model'],
      [1, 5, 10, 20, 40, 80, 160, 320, 640, 1280],
    )
  }

  request(path: string, status: number, ms: number): void {
    this.#requests.inc({ path, status })
    this.#duration.observe({ path }, ms / 1000)
    if (status >= 400) this.#errors.inc({ path, status })
  }

  answered({ model, stream, counts, firstByteMs, ms }: Answered): void {
    this.#answers.inc({ model, stream: String(stream) })
    this.#inputTokens.inc({ model }, (counts.input ?? 0) + (counts.cachedInput ?? 0))
    this.#outputTokens.inc({ model }, counts.output ?? 0)
    this.#firstByte.observe({ model }, firstByteMs / 1000)
    if (counts.output) this.#tokensPerSecond.observe({ model }, counts.output / (ms / 1000))
  }

  refused(code: string, status: number): void {
    if (status >= 500 && status !== 503) this.#failures.inc({ code })
    else this.#rejected.inc({ reason: code })
  }

  /** Reads these at each scrape. */
  watch(sources: MetricSources): void {
    const gauge = (name: string, help: string, read: () => number) => {
      const collect = function (this: Gauge): void {
        this.set(read())
      }
      new Gauge({ name, help, registers: [this.#registry], collect })
    }
    gauge('broker_requests_running', 'Requests that run', sources.running)
    gauge('broker_tokens_in_flight', 'Most tokens that they can hold', sources.tokensInFlight)
    gauge('broker_chain_head_age_seconds', 'Since the newest head was seen', () => sources.headAgeMs() / 1000)
    gauge('broker_engine_ready', '1 when the engine answers', () => Number(sources.engineReady()))
    const debts = shared(() => sources.unsettled())
    const debt = (name: string, help: string, read: (unsettled: Unsettled) => number) => {
      const collect = async function (this: Gauge): Promise<void> {
        this.set(read(await debts()))
      }
      new Gauge({ name, help, registers: [this.#registry], collect })
    }
    debt('broker_oldest_owed_seconds', 'Age of the oldest charge that is not paid', ({ oldestIssuedAt }) =>
      secondsSince(oldestIssuedAt),
    )
    debt(
      'broker_oldest_due_seconds',
      'The same among users who owe at least the minimum: final on chain within 600 by default',
      ({ oldestDueAt }) => secondsSince(oldestDueAt),
    )
    debt('broker_owed_0g', 'Charged and not yet paid on chain, in 0G', ({ owed }) => in0G(owed))
  }

  /** Reads the tasks of fine-tuning at each scrape. */
  watchTasks({ counts, slots }: TaskSources): void {
    const registers = [this.#registry]
    new Gauge({
      name: 'broker_finetune_tasks',
      help: 'Tasks by state, all ever',
      labelNames: ['state'],
      registers,
      async collect() {
        for (const { state, tasks } of await counts()) this.set({ state }, tasks)
      },
    })
    new Gauge({
      name: 'broker_finetune_slots_busy',
      help: 'Training jobs that run',
      registers,
      collect() {
        this.set(slots.running)
      },
    })
  }

  /** A logger that counts what passes: settlements report through their log lines. */
  counting(log: Logger): Logger {
    const at = (level: keyof Logger) => (event: string, fields?: LogFields) => {
      this.#count(level, event, fields)
      log[level](event, fields)
    }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }

  /** The figures in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  #count(level: keyof Logger, event: string, fields?: LogFields): void {
    // Free text of an engine would be a label of its own for each sentence.
    if (/^[a-z_]{1,40}$/.test(event)) this.#events.inc({ event, level })
    if (event === 'settlement_failed') this.#settlementErrors.inc()
    if (event !== 'settlement_paid') return
    this.#settlements.inc()
    if (typeof fields?.paid === 'bigint') this.#settledAmount.inc(in0G(fields.paid))
  }
}

/** Who asks while an answer is on its way gets the same one: the gauges of one scrape. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | null = null
  return () => {
    pending ??= ask().finally(() => {
      pending = null
    })
    return pending
  }
}

/** @param at unix seconds, or null */
const secondsSince = (at: number | null): number => (at === null ? 0 : Math.max(0, Date.now() / 1000 - at))

/** For a chart; money itself stays in whole neuron. */
const in0G = (neuron: bigint): number => Number(neuron) / Number(ONE_0G)
