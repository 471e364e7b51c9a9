import { setTimeout as sleep } from 'node:timers/promises'
import { type AppError, toAppError } from '../../../base/errors.ts'
import type { Failure, Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import { HeldSlots } from './heldSlots.ts'
import { STEPS } from './steps.ts'

/** Between attempts after something outside failed, ms. */
const FIRST_PAUSE_MS = 200
const MAX_PAUSE_MS = 30_000
/** A fault that nobody foresaw ends a task that is not delivered yet after so many attempts. */
const MAX_FAULTS = 5

/** Failures of something outside: the same step is tried again. */
const PASSING = new Set([
  'rpc_unreachable',
  'transaction_unknown',
  'nonce_taken',
  'insufficient_funds',
  'task_changed',
])
/** From the delivery on the user can rely on it: only the chain ends such a task. */
const SAFE_FROM_FAULTS = new Set(['Delivered', 'UserAcknowledged', 'Finished', 'Failed'])

interface Driven {
  readonly abort: AbortController
  readonly done: Promise<void>
}

/** Brings every open task of this node to its end, each in a loop of its own. */
export class TaskWorker {
  readonly #shop: Workshop
  readonly #held: HeldSlots
  readonly #onState: (id: string, state: string) => void
  readonly #driven = new Map<string, Driven>()
  #isStopped = false

  constructor(shop: Workshop, onState: (id: string, state: string) => void = () => {}) {
    this.#shop = shop
    this.#held = new HeldSlots(shop.slots)
    this.#onState = onState
  }

  /** Takes up what an earlier process left, those in training first: they hold money. */
  async start(): Promise<void> {
    const { store, node, log } = this.#shop
    const tasks = await store.open(node, (id) =>
      log.error('task_row_refused', { id: id.replaceAll('-', '') }),
    )
    const order = (task: Task) => (task.state === 'Training' ? 0 : 1)
    for (const task of tasks.toSorted((a, b) => order(a) - order(b))) this.drive(task.id)
  }

  /** Begins to work on a task, or goes on at once where it waits. */
  drive(id: string): void {
    if (this.#isStopped || this.#driven.has(id)) return
    const abort = new AbortController()
    const done = this.#drive(id, abort.signal).finally(() => this.#driven.delete(id))
    this.#driven.set(id, { abort, done })
  }

  /** After somebody else changed a task: what is being done for it ends, and begins from what it is now. */
  async changed(id: string): Promise<void> {
    const driven = this.#driven.get(id)
    driven?.abort.abort()
    await driven?.done
    this.drive(id)
  }

  /** Ends jobs at a checkpoint; everything goes on when the broker is started again. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { abort } of this.#driven.values()) abort.abort()
    await Promise.all([...this.#driven.values()].map(({ done }) => done))
  }

  async #drive(id: string, signal: AbortSignal): Promise<void> {
    let faults = 0
    let pauseMs = FIRST_PAUSE_MS
    const first = await this.#shop.store.find(id).catch(() => null)
    if (first) this.#onState(id, first.state)
    while (!signal.aborted) {
      const task = await this.#shop.store.find(id).catch(() => null)
      // Of another broker on the same database: it alone has the task's files, and sees what was changed.
      if (task?.isClosed || (task && task.node !== this.#shop.node)) return
      if (task) {
        try {
          await this.#step(task, signal)
          faults = 0
          pauseMs = FIRST_PAUSE_MS
          continue
        } catch (thrown) {
          if (signal.aborted) return
          const error = toAppError(thrown)
          if (!isPassing(error)) faults++
          this.#shop.log.warn('task_step_failed', {
            state: task.state,
            code: error.code,
            reason: error.message,
          })
          if (await this.#ends(task, error, faults)) continue
        }
      }
      await pause(pauseMs, signal)
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
    }
  }

  async #step(task: Task, signal: AbortSignal): Promise<void> {
    const result = await STEPS[task.state](task, { shop: this.#shop, signal, held: this.#held })
    if ('waitMs' in result) return pause(result.waitMs, signal)
    const changed = await this.#shop.store.change(task, result.change)
    if (changed.state !== task.state) this.#announce(changed)
  }

  /** Whether the task was ended by what went wrong. */
  async #ends(task: Task, error: AppError, faults: number): Promise<boolean> {
    if (isPassing(error) || (SAFE_FROM_FAULTS.has(task.state) && !isTooLate(error))) return false
    if (task.state === 'Failed' || task.state === 'Finished') return false
    if (error.code === 'internal' && faults < MAX_FAULTS) return false
    const failure: Failure = {
      code: error.code,
      reason: error.code === 'internal' ? 'The provider failed' : error.message,
    }
    return this.#shop.store.change(task, { state: 'Failed', failure }).then(
      (failed) => {
        this.#announce(failed)
        return true
      },
      () => false,
    )
  }

  #announce({ id, state, user, failure }: Task): void {
    this.#shop.log.info('task_state', {
      id: id.replaceAll('-', ''),
      user,
      state,
      ...(failure && { code: failure.code }),
    })
    this.#onState(id, state)
  }
}

const isPassing = (error: AppError): boolean => error.retryable || PASSING.has(error.code)

/** The contract's window is over: the money goes another way now. */
const isTooLate = (error: AppError): boolean => error.details?.error === 'TaskTooLate'

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
