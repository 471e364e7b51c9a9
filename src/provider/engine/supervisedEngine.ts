import { setTimeout as delay } from 'node:timers/promises'
import { toAppError } from '../../base/errors.ts'
import { backoff } from './backoff.ts'
import type {
  Adapters,
  Engine,
  EngineKind,
  EngineLogger,
  EngineModel,
  EngineState,
  PromptBody,
} from './engine.ts'
import { adapterNameTaken, adaptersUnsupported } from './spawned/adapters.ts'
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
  /** Where it can take adapters while it runs. */
  readonly adapters?: AdapterControl
}

export interface AdapterControl {
  load(name: string, path: string): Promise<EngineModel>
  unload(name: string): Promise<void>
}

/**
 * @param adapters what it serves beside its model from the start
 * @param signal ends it while it starts
 */
export type Launch = (adapters: Adapters, signal?: AbortSignal) => Promise<RunningEngine>

/** An engine that the broker starts itself: one process at a time, brought back when it dies. */
export class SupervisedEngine implements Engine {
  readonly kind: EngineKind
  readonly #launch: Launch
  readonly #logger: EngineLogger
  readonly #state = new StateCell('ready')
  readonly #stopping = new AbortController()
  #running: RunningEngine
  #models: readonly EngineModel[]
  #adapters: Adapters
  #changed: Promise<void> = Promise.resolve()
  #restarted: Promise<void> = Promise.resolve()
  #failures = 0

  /** @throws what `launch` throws */
  static async start(
    kind: EngineKind,
    launch: Launch,
    logger: EngineLogger,
    adapters: Adapters = {},
  ): Promise<SupervisedEngine> {
    return new SupervisedEngine({ kind, launch, logger, adapters }, await launch(adapters))
  }

  private constructor({ kind, launch, logger, adapters }: Start, running: RunningEngine) {
    this.kind = kind
    this.#launch = launch
    this.#logger = logger
    this.#running = running
    this.#adapters = adapters
    this.#models = Object.freeze([...running.models])
    this.#watch()
  }

  get models(): readonly EngineModel[] {
    return this.#models
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

  /** One change after another. What failed half-way is left as far as it came: `models` says how far. */
  changeAdapters(adapters: Adapters): Promise<void> {
    const changed = this.#changed.then(() => this.#change(adapters))
    this.#changed = changed.catch(() => undefined)
    return changed
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#state.set('stopped')
    await this.#restarted
    await this.#running.stop()
  }

  async #change(wanted: Adapters): Promise<void> {
    const { adapters: control } = this.#running
    if (!control) {
      if (Object.keys(wanted).length > 0) throw adaptersUnsupported(this.kind)
      return
    }
    for (const [name, path] of Object.entries(this.#adapters)) {
      if (wanted[name] === path) continue
      await control.unload(name)
      const { [name]: _, ...others } = this.#adapters
      this.#serve(
        others,
        this.#models.filter(({ id }) => id !== name),
      )
    }
    for (const [name, path] of Object.entries(wanted)) {
      if (this.#adapters[name] === path) continue
      if (this.#models.some(({ id }) => id === name)) throw adapterNameTaken(name)
      const model = await control.load(name, path)
      this.#serve({ ...this.#adapters, [name]: path }, [...this.#models, model])
    }
  }

  #serve(adapters: Adapters, models: readonly EngineModel[]): void {
    this.#adapters = adapters
    this.#models = Object.freeze(models)
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
        if (signal.aborted) return
        this.#logger.error('the engine did not restart', { reason: toAppError(error).message })
      }
    }
  }

  async #replace(): Promise<void> {
    const running = await this.#launch(this.#adapters, this.#stopping.signal)
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

interface Start {
  readonly kind: EngineKind
  readonly launch: Launch
  readonly logger: EngineLogger
  readonly adapters: Adapters
}

const namesAndDigests = (models: readonly EngineModel[]): string =>
  JSON.stringify(models.map(({ id, digest }) => [id, digest]))
