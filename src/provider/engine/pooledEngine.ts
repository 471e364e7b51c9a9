import { AppError, EXIT } from '../../base/errors.ts'
import type { Engine, EngineLease, EngineModel, EngineState, PromptBody } from './engine.ts'
import { StateCell } from './stateCell.ts'

/**
 * Several engines that stand for one: the models of all, each request at the ready engine with the fewest requests
 * in flight. Ready while any of them is; a model whose engines all restart is refused until one is back.
 *
 * `baseUrl` and `headers` are those of one ready engine, for who has no particular model in mind: requests take a
 * lease.
 */
export class PooledEngine implements Engine {
  readonly kind = 'pool'
  readonly models: readonly EngineModel[]
  readonly #engines: readonly Engine[]
  readonly #inFlight = new Map<Engine, number>()
  readonly #state: StateCell
  readonly #unsubscribe: readonly (() => void)[]

  /** @throws AppError `engines_disagree` when two engines serve different weights under one name */
  constructor(engines: readonly Engine[]) {
    this.#engines = engines
    this.models = Object.freeze(commonModels(engines))
    this.#state = new StateCell(stateOf(engines))
    this.#unsubscribe = engines.map((engine) =>
      engine.onStateChange(() => this.#state.set(stateOf(this.#engines))),
    )
  }

  get baseUrl(): string {
    return this.#first().baseUrl
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#first().headers
  }

  get state(): EngineState {
    return this.#state.current
  }

  /** Requests that an engine works on now. */
  inFlight(engine: Engine): number {
    return this.#inFlight.get(engine) ?? 0
  }

  lease(model: string, except: ReadonlySet<Engine>): EngineLease | undefined {
    const able = this.#readyFor(model).filter((engine) => !except.has(engine))
    const engine = able.toSorted((a, b) => this.inFlight(a) - this.inFlight(b)).at(0)
    if (!engine) return undefined
    this.#add(engine, 1)
    let held = true
    return {
      engine,
      release: () => {
        if (held) this.#add(engine, -1)
        held = false
      },
    }
  }

  async countPromptTokens(body: PromptBody): Promise<number | undefined> {
    return this.#readyFor(body.model).at(0)?.countPromptTokens(body)
  }

  async countTextTokens(model: string, text: string): Promise<number | undefined> {
    return this.#readyFor(model).at(0)?.countTextTokens(model, text)
  }

  onStateChange(listener: (state: EngineState) => void): () => void {
    return this.#state.subscribe(listener)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.stop()))
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#state.set('stopped')
  }

  #readyFor(model: string): Engine[] {
    return this.#engines.filter(
      ({ state, models }) => state === 'ready' && models.some(({ id }) => id === model),
    )
  }

  #first(): Engine {
    return this.#engines.find(({ state }) => state === 'ready') ?? this.#engines[0]!
  }

  #add(engine: Engine, change: number): void {
    this.#inFlight.set(engine, this.inFlight(engine) + change)
  }
}

function stateOf(engines: readonly Engine[]): EngineState {
  if (engines.some(({ state }) => state === 'ready')) return 'ready'
  return engines.every(({ state }) => state === 'stopped') ? 'stopped' : 'restarting'
}

/** What every engine of a model keeps: nobody knows beforehand which of them answers. */
function commonModels(engines: readonly Engine[]): EngineModel[] {
  const models = new Map<string, EngineModel>()
  for (const model of engines.flatMap((engine) => engine.models)) {
    const known = models.get(model.id)
    models.set(model.id, known ? common(known, model) : model)
  }
  return [...models.values()]
}

function common(a: EngineModel, b: EngineModel): EngineModel {
  if (a.digest !== null && b.digest !== null && a.digest !== b.digest) throw disagree(a.id)
  return {
    id: a.id,
    digest: a.digest === b.digest ? a.digest : null,
    contextLength: Math.min(a.contextLength, b.contextLength),
    kinds: a.kinds.filter((kind) => b.kinds.includes(kind)),
  }
}

const disagree = (model: string): AppError =>
  new AppError({
    code: 'engines_disagree',
    message: `Two engines serve different weights as "${model}"`,
    hint: 'Receipts name the weights of an answer. Give one of the two another name (engines: name)',
    next: '0g-compute provider check',
    exitCode: EXIT.malformed,
  })
