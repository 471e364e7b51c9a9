import { setTimeout as delay } from 'node:timers/promises'
import { toAppError } from '../../base/errors.ts'
import { backoff } from './backoff.ts'
import type { Engine, EngineKind, EngineLogger, EngineModel, EngineState, PromptBody } from './engine.ts'
import { StateCell } from './stateCell.ts'
import type { Tokenizer } from './url/tokenizers.ts'

/** A child that lived this long was well: the next restart begins with the shortest delay again. */
const HEALTHY_AFTER = 10_000

/** An engine's process that answers. */
export interface RunningEngine {
  readonly pid: number
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  readonly models: readonly EngineModel[]
  readonly tokenizer: Tokenizer | undefined
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<void>
  stop(): Promise<void>
}

export type Launch = () => Promise<RunningEngine>

/** An engine that the broker starts itself: one process at a time, brought back when it dies. */
export class SupervisedEngine implements Engine {
  readonly kind: EngineKind
  readonly models: readonly EngineModel[]
  readonly #launch: Launch
  readonly #logger: EngineLogger
  readonly #state = new StateCell('ready')
  readonly #stopping = new AbortController()
  #running: RunningEngine
  #restarted: Promise<void> = Promise.resolve()
  #failures = 0

  /** @throws what `launch` throws */
  static async start(kind: EngineKind, launch: Launch, logger: EngineLogger): Promise<SupervisedEngine> {
    return new SupervisedEngine(kind, launch, logger, await launch())
  }

  private constructor(kind: EngineKind, launch: Launch, logger: EngineLogger, running: RunningEngine) {
    this.kind = kind
    this.#launch = launch
    this.#logger = logger
    this.#running = running
    this.models = Object.freeze([...running.models])
    this.#watch()
  }

  get baseUrl(): string {
    return this.#running.baseUrl
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#running.headers
  }

  get state(): EngineState {
    return this.#state.current
  }

  /** The child's process id, for supervision and tests. */
  get pid(): number {
    return this.#running.pid
  }

  async countPromptTokens(body: PromptBody): Promise<number | undefined> {
    return this.#running.tokenizer?.countPrompt(body)
  }

  async countTextTokens(model: string, text: string): Promise<number | undefined> {
    return this.#running.tokenizer?.countText(model, text)
  }

  onStateChange(listener: (state: EngineState) => void): () => void {
    return this.#state.subscribe(listener)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#state.set('stopped')
    await this.#restarted
    await this.#running.stop()
  }

  #watch(): void {
    const startedAt = performance.now()
    void this.#running.exited.then(() => {
      if (this.#stopping.signal.aborted) return
      if (performance.now() - startedAt > HEALTHY_AFTER) this.#failures = 0
      this.#logger.warn('the engine ended and is being restarted', { model: this.models[0]?.id })
      this.#state.set('restarting')
      this.#restarted = this.#restart()
    })
  }

  async #restart(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await delay(backoff(this.#failures++), undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      try {
        await this.#replace()
        return
      } catch (error) {
        this.#logger.error('the engine did not restart', { reason: toAppError(error).message })
      }
    }
  }

  async #replace(): Promise<void> {
    const running = await this.#launch()
    const isSame = namesAndDigests(running.models) === namesAndDigests(this.models)
    if (this.#stopping.signal.aborted || !isSame) await running.stop()
    if (!isSame) return this.#refuseOtherWeights()
    this.#running = running
    if (this.#stopping.signal.aborted) return
    this.#state.set('ready')
    this.#logger.info('the engine is back', { model: this.models[0]?.id })
    this.#watch()
  }

  /** The digest is in receipts: weights that changed on disk need a new start, not a silent swap. */
  #refuseOtherWeights(): void {
    this.#logger.error('the weights on disk changed; the engine stays stopped', { model: this.models[0]?.id })
    this.#stopping.abort()
    this.#state.set('stopped')
  }
}

const namesAndDigests = (models: readonly EngineModel[]): string =>
  JSON.stringify(models.map(({ id, digest }) => [id, digest]))
