import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, toAppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { Deadline } from './deadline.ts'
import type { SettlerOptions } from './options.ts'
import { ReportBuilder, type SettlementReport } from './report.ts'
import { runSettlement } from './run.ts'

const DEFAULT_INTERVAL_MS = 5 * 60 * 1000
/** Who owes less waits, neuron. */
export const DEFAULT_MINIMUM_FEE = 4n * 10n ** 15n
const DEFAULT_EAGER_FEE = 10n ** 17n
const DEFAULT_RECEIPT_TIMEOUT_MS = 120_000
const DEFAULT_BUMP_AFTER_MS = 30_000
const DEFAULT_POLL_MS = 1000
/** How long the last settlement may take when the broker stops. */
const STOP_MS = 15_000
const FIRST_BACKOFF_MS = 2000
const MAX_BACKOFF_MS = 5 * 60 * 1000
/** Between runs that a charge asks for. */
const EAGER_GAP_MS = 1000

/**
 * Brings what users owe to the chain: at start, by interval, when a user owes much, and at the end. One run at
 * a time; a run that the chain does not answer is repeated with growing pauses.
 */
export class Settler {
  readonly #options: SettlerOptions
  #timer: NodeJS.Timeout | null = null
  /** When the next run is wanted, ms; one that is wanted during a run waits for its end. */
  #dueAt = Number.POSITIVE_INFINITY
  #queue: Promise<unknown> = Promise.resolve()
  #failures = 0
  #restUntil = 0
  #isRunning = false
  #isStopped = true
  /** No run waits longer, ms. */
  #stopAt = Number.POSITIVE_INFINITY
  /** Of the run under way. */
  #deadline: Deadline | null = null

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  /** Begins: first what an earlier process left open, then by interval. */
  start(): void {
    this.#isStopped = false
    this.#stopAt = Number.POSITIVE_INFINITY
    this.#schedule(0)
  }

  /** To be called after each charge: who owes much is settled at once. */
  noteCharge(user: Address): void {
    const { ledger, eagerFee = DEFAULT_EAGER_FEE } = this.#options
    const { charged, paid } = ledger.totals(user)
    const underWay = ledger.openSettlement(user)?.entry.totalFee ?? 0n
    if (charged - paid - underWay >= eagerFee) this.#schedule(Math.max(0, this.#restUntil - Date.now()))
  }

  /** To be called when a user asks for money back: settles at once, so that nothing earned leaves with it. */
  noteLeaving(user: Address): void {
    const settle = () => {
      if (this.#owes(user)) this.#schedule(0)
    }
    // What other replicas charged is not known here, and none of them may be left to settle it.
    const known = this.#options.ledger.refresh(user)
    if (known) void known.then(settle, settle)
    else settle()
  }

  /**
   * Settles now, after a run that is under way.
   * @param minimum neuron; default 1: everything that is owed
   */
  settleNow(minimum = 1n): Promise<SettlementReport> {
    const report = this.#queue.then(() => this.#run(minimum))
    this.#queue = report
    return report
  }

  /**
   * Ends the schedule, lets a run end, and settles a last time; waits at most this long. What is open then is
   * stored, and finished by the next start.
   */
  async stop(timeoutMs = STOP_MS): Promise<SettlementReport> {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#stopAt = Date.now() + timeoutMs
    this.#deadline?.bringForward(this.#stopAt)
    const cut = new AbortController()
    const last = this.settleNow(this.minimumFee)
    const tooLate = sleep(timeoutMs, null, { signal: cut.signal }).catch(() => null)
    const report = (await Promise.race([last, tooLate])) ?? new ReportBuilder().build(stoppedEarly())
    cut.abort()
    return report
  }

  /** A user whose row is not to be trusted owes nothing that could be settled. */
  #owes(user: Address): boolean {
    try {
      const { charged, paid } = this.#options.ledger.totals(user)
      return charged > paid && charged - paid >= this.minimumFee
    } catch {
      return false
    }
  }

  /** Users who owe less wait, neuron. */
  get minimumFee(): bigint {
    return this.#options.minimumFee ?? DEFAULT_MINIMUM_FEE
  }

  /** An earlier time wins. */
  #schedule(delayMs: number): void {
    const dueAt = Date.now() + delayMs
    if (this.#isStopped || dueAt >= this.#dueAt) return
    this.#dueAt = dueAt
    if (!this.#isRunning) this.#arm()
  }

  #arm(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#scheduledRun(), Math.max(0, this.#dueAt - Date.now()))
    this.#timer.unref()
  }

  async #scheduledRun(): Promise<void> {
    this.#isRunning = true
    this.#dueAt = Number.POSITIVE_INFINITY
    const { problem } = await this.settleNow(this.minimumFee)
    this.#isRunning = false
    if (this.#isStopped) return
    if (problem) this.#dueAt = Number.POSITIVE_INFINITY
    this.#schedule(problem ? this.#backoffMs() : (this.#options.intervalMs ?? DEFAULT_INTERVAL_MS))
    this.#arm()
  }

  async #run(minimum: bigint): Promise<SettlementReport> {
    const timeoutMs = this.#options.receiptTimeoutMs ?? DEFAULT_RECEIPT_TIMEOUT_MS
    const pollMs = this.#options.pollMs ?? DEFAULT_POLL_MS
    const bumpAfterMs = this.#options.bumpAfterMs ?? DEFAULT_BUMP_AFTER_MS
    const deadline = new Deadline(Math.min(Date.now() + timeoutMs, this.#stopAt))
    this.#deadline = deadline
    const report = await runSettlement(this.#options, { minimum, deadline, pollMs, bumpAfterMs })
    this.#note(report)
    await this.#options.afterRun?.(report).catch((thrown: unknown) => {
      const { code, message } = toAppError(thrown)
      this.#options.log.warn('sweep_failed', { code, reason: message })
    })
    return report
  }

  #note({ problem, waiting }: SettlementReport): void {
    const { log } = this.#options
    this.#failures = problem ? this.#failures + 1 : 0
    this.#restUntil = Date.now() + (problem ? this.#backoffMs() : EAGER_GAP_MS)
    if (problem) log.warn('settlement_failed', { code: problem.code, reason: problem.message })
    for (const { user, reason } of waiting) log.info('settlement_waits', { user, reason })
  }

  #backoffMs = (): number => Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, this.#failures - 1), MAX_BACKOFF_MS)
}

const stoppedEarly = (): AppError =>
  new AppError({
    code: 'settlement_cut',
    message: 'The last settlement was not finished when the broker stopped',
    hint: 'Nothing is lost: what was sent is looked up, and what was not is sent, at the next start',
    next: '0g-compute provider serve',
    retryable: true,
  })
