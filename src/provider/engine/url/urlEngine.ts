import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, EngineLogger, EngineModel, EngineState, PromptBody } from '../engine.ts'
import { StateCell } from '../stateCell.ts'
import { type EngineServer, fetchModels } from './listModels.ts'
import type { Tokenizer } from './tokenizers.ts'

/** Milliseconds between looks at the server: fewer while it is well than while it is missed. */
const WATCH_INTERVAL = 5_000
const RETRY_INTERVAL = 1_000
/** One look may fail by chance. */
const FAILURES_UNTIL_DOWN = 2

/** A server that somebody else runs: watched, never started or stopped. */
export class UrlEngine implements Engine {
  readonly kind = 'url'
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  readonly models: readonly EngineModel[]
  readonly #server: EngineServer
  readonly #tokenizer: Tokenizer | undefined
  readonly #logger: EngineLogger | undefined
  readonly #state = new StateCell('ready')
  readonly #stopping = new AbortController()

  constructor(
    server: EngineServer,
    models: readonly EngineModel[],
    tokenizer: Tokenizer | undefined,
    logger: EngineLogger | undefined,
  ) {
    this.#server = server
    this.baseUrl = server.baseUrl
    this.headers = server.headers
    this.models = Object.freeze([...models])
    this.#tokenizer = tokenizer
    this.#logger = logger
    void this.#watch()
  }

  get state(): EngineState {
    return this.#state.current
  }

  async countPromptTokens(body: PromptBody): Promise<number | undefined> {
    return this.#tokenizer?.countPrompt(body)
  }

  async countTextTokens(model: string, text: string): Promise<number | undefined> {
    return this.#tokenizer?.countText(model, text)
  }

  onStateChange(listener: (state: EngineState) => void): () => void {
    return this.#state.subscribe(listener)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#state.set('stopped')
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      const interval = failures === 0 ? WATCH_INTERVAL : RETRY_INTERVAL
      await delay(interval, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      failures = (await this.#isWell()) ? 0 : failures + 1
      if (!signal.aborted) this.#note(failures)
    }
  }

  #note(failures: number): void {
    const next = failures === 0 ? 'ready' : failures >= FAILURES_UNTIL_DOWN ? 'restarting' : this.state
    if (next === this.state) return
    if (next === 'ready') this.#logger?.info('the engine answers again', { target: this.baseUrl })
    else this.#logger?.warn('the engine does not answer', { target: this.baseUrl })
    this.#state.set(next)
  }

  async #isWell(): Promise<boolean> {
    return fetchModels(this.#server).then(
      () => true,
      () => false,
    )
  }
}
