import { setTimeout as delay } from 'node:timers/promises'
import { toAppError } from '../../../base/errors.ts'
import { backoff } from '../backoff.ts'
import type { Engine, EngineLogger, EngineModel, EngineState, PromptBody } from '../engine.ts'
import { StateCell } from '../stateCell.ts'
import { countPromptTokens, countTextTokens, type TokenizeEndpoint } from '../tokenizeEndpoint.ts'
import { type EngineProcess, type LoadOptions, startEngineProcess } from './engineProcess.ts'
import { fingerprintWeights, hashWeights, modelInvalid } from './weights.ts'

/** A child that lived this long was well: the next restart begins with the shortest delay again. */
const HEALTHY_AFTER = 10_000

interface Running {
  readonly process: EngineProcess
  readonly digest: string
}

/** The parent's side: one child at a time, brought back when it dies. */
export class EmbeddedEngine implements Engine {
  readonly kind = 'embedded'
  readonly models: readonly EngineModel[]
  readonly #load: LoadOptions
  readonly #files: readonly string[]
  readonly #logger: EngineLogger
  readonly #state = new StateCell('ready')
  readonly #stopping = new AbortController()
  readonly #digest: string
  #process: EngineProcess
  #restarted: Promise<void> = Promise.resolve()
  #failures = 0

  static async start(
    load: LoadOptions,
    files: readonly string[],
    logger: EngineLogger,
  ): Promise<EmbeddedEngine> {
    const running = await startHashed(load, files)
    return new EmbeddedEngine(load, files, logger, running)
  }

  private constructor(load: LoadOptions, files: readonly string[], logger: EngineLogger, running: Running) {
    this.#load = load
    this.#files = files
    this.#logger = logger
    this.#process = running.process
    this.#digest = running.digest
    const { contextLength, kinds } = running.process
    this.models = Object.freeze([{ id: load.modelId, digest: running.digest, contextLength, kinds }])
    this.#watch()
  }

  get baseUrl(): string {
    return this.#process.baseUrl
  }

  get headers(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.#process.bearer}` }
  }

  get state(): EngineState {
    return this.#state.current
  }

  /** The child's process id, for supervision and tests. */
  get pid(): number {
    return this.#process.pid
  }

  countPromptTokens(body: PromptBody): Promise<number | undefined> {
    return countPromptTokens(this.#endpoint(), body)
  }

  countTextTokens(model: string, text: string): Promise<number | undefined> {
    return countTextTokens(this.#endpoint(), model, text)
  }

  onStateChange(listener: (state: EngineState) => void): () => void {
    return this.#state.subscribe(listener)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#state.set('stopped')
    await this.#restarted
    await this.#process.stop()
  }

  #endpoint(): TokenizeEndpoint {
    return { baseUrl: this.baseUrl, headers: this.headers }
  }

  #watch(): void {
    const startedAt = performance.now()
    void this.#process.exited.then(() => {
      if (this.#stopping.signal.aborted) return
      if (performance.now() - startedAt > HEALTHY_AFTER) this.#failures = 0
      this.#logger.warn('the engine ended and is being restarted', { model: this.#load.modelId })
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
        await this.#replaceProcess()
        return
      } catch (error) {
        this.#logger.error('the engine did not restart', { reason: toAppError(error).message })
      }
    }
  }

  async #replaceProcess(): Promise<void> {
    const running = await startHashed(this.#load, this.#files)
    const isSameModel = running.digest === this.#digest
    if (this.#stopping.signal.aborted || !isSameModel) await running.process.stop()
    if (!isSameModel) return this.#refuseOtherWeights()
    this.#process = running.process
    if (this.#stopping.signal.aborted) return
    this.#state.set('ready')
    this.#logger.info('the engine is back', { model: this.#load.modelId })
    this.#watch()
  }

  /** The digest is in receipts: weights that changed on disk need a new start, not a silent swap. */
  #refuseOtherWeights(): void {
    this.#logger.error('the weights on disk changed; the engine stays stopped', { model: this.#load.modelId })
    this.#stopping.abort()
    this.#state.set('stopped')
  }
}

/** Loads and hashes at once, and makes sure that both saw the same bytes. */
async function startHashed(load: LoadOptions, files: readonly string[]): Promise<Running> {
  const before = await fingerprintWeights(files)
  const [started, hashed] = await Promise.allSettled([startEngineProcess(load), hashWeights(files)])
  if (started.status === 'rejected') throw started.reason
  try {
    if (hashed.status === 'rejected') throw hashed.reason
    if ((await fingerprintWeights(files)) !== before)
      throw modelInvalid(load.modelPath, 'it changed while it was loaded')
    return { process: started.value, digest: hashed.value }
  } catch (error) {
    await started.value.stop()
    throw error
  }
}
