import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, toAppError } from '../../../base/errors.ts'
import { type Address, sameAddress } from '../../../base/hex.ts'
import { adapterName } from '../../../protocol/finetune/adapterName.ts'
import { startEmbeddedEngine } from '../../engine/embedded/startEmbeddedEngine.ts'
import type { Engine, EngineModel } from '../../engine/engine.ts'
import { EngineClient } from '../../server/engineClient.ts'
import type { OwnModels } from '../../server/inference.ts'
import type { Task } from '../task.ts'
import { openSealed } from '../vault.ts'
import { wrappedKeyOf } from '../worker/seal.ts'
import { modelOf } from '../worker/setUp.ts'
import type { Workshop } from '../workshop.ts'
import type { AdapterStore } from './adapterStore.ts'

/** As clients of the deployed network read it. @see provider-broker.md section 1.5 */
export interface AdapterDocument {
  readonly adapterName: string
  readonly taskId: string
  readonly baseModel: string
  readonly userAddress: Address
  /** `ready`: can be deployed; `loading`; `active`: answers; `failed`. */
  readonly state: 'ready' | 'loading' | 'active' | 'failed'
  readonly storageRootHash: string
  readonly error?: string
}

/** A model that is being loaded or served. */
interface Served {
  readonly task: Task
  readonly name: string
  /** When it was last asked for, or deployed, ms. */
  usedAt: number
  state: 'loading' | 'active' | 'failed'
  error?: string
  engine?: Engine
  client?: EngineClient
  loaded: Promise<void>
}

/** Models that are served at a time: each holds memory of its own. */
const MAX_SERVED = 8
/** One that nobody asked for so long makes room for another, ms. */
const IDLE_MS = 3_600_000
const PARALLEL = 2
/** Name of a model without a base. */
const NO_BASE = 'scratch'

/**
 * Serves finished models with llama.cpp, each for its owner alone and in a process of its own: an adapter on its base
 * model, a whole model by itself. Their plaintext lies in memory, as long as they are served.
 */
export class AdapterDesk implements OwnModels {
  readonly #shop: Workshop
  readonly #store: AdapterStore
  readonly #served = new Map<string, Served>()

  constructor(shop: Workshop, store: AdapterStore) {
    this.#shop = shop
    this.#store = store
  }

  /** Serves again what was served before. */
  async start(): Promise<void> {
    const { store, node } = this.#shop
    for (const { task: id, name } of await this.#store.all(node)) {
      const task = await store.find(id).catch(() => null)
      if (task) this.#begin(task, name)
    }
  }

  /** A user's models that are here. */
  async list(user: Address): Promise<AdapterDocument[]> {
    const tasks = await this.#shop.store.ofUser(user)
    return tasks.filter((task) => this.#canServe(task)).map((task) => this.#document(task))
  }

  /** @throws AppError `adapter_not_found` (404) */
  async find(user: Address, name: string): Promise<AdapterDocument> {
    const found = (await this.list(user)).find((adapter) => adapter.adapterName === name)
    if (found) return found
    throw notFound(name)
  }

  /** Begins to serve a model. @throws AppError `adapter_not_found` (404), `adapters_full` (503) */
  async deploy(user: Address, name: string): Promise<AdapterDocument> {
    const found = await this.find(user, name)
    const served = this.#served.get(found.taskId)
    if (served && served.state !== 'failed') return found
    await this.#makeRoom()
    const task = await this.#shop.store.find(found.taskId)
    await this.#store.put({ task: found.taskId, user, node: this.#shop.node, name })
    this.#begin(task!, name)
    return this.#document(task!)
  }

  /** Ends serving a model; its memory is given back. @throws AppError `adapter_not_found` (404) */
  async remove(user: Address, name: string): Promise<void> {
    const { taskId } = await this.find(user, name)
    await this.#store.remove(taskId)
    await this.#end(taskId)
  }

  isServed({ id }: Pick<Task, 'id'>): boolean {
    const state = this.#served.get(id)?.state
    return state === 'loading' || state === 'active'
  }

  /** Name under which a task's model answers now. */
  servedAs(id: string): string | null {
    const served = this.#served.get(id)
    return served?.state === 'active' ? served.name : null
  }

  modelsOf(user: Address): readonly EngineModel[] {
    return [...this.#served.values()].flatMap(({ task, state, engine }) =>
      state === 'active' && engine && sameAddress(task.user, user) ? engine.models : [],
    )
  }

  clientOf(model: string): EngineClient | undefined {
    const served = [...this.#served.values()].find(({ name }) => name === model)
    if (served) served.usedAt = this.#shop.now()
    return served?.client
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#served.keys()].map((id) => this.#end(id)))
  }

  #canServe(task: Task): boolean {
    const { delivery, state } = task
    const hasBase = delivery?.kind === 'model' || Boolean(modelOf(this.#shop, task)?.gguf)
    return state === 'Finished' && Boolean(delivery?.gguf) && hasBase && this.#shop.vault.has(task.id, 'gguf')
  }

  #document(task: Task): AdapterDocument {
    const served = this.#served.get(task.id)
    return {
      adapterName: nameOf(task),
      taskId: task.id,
      baseModel: task.model ?? NO_BASE,
      userAddress: task.user,
      state: served?.state ?? 'ready',
      storageRootHash: task.delivery!.root,
      ...(served?.error !== undefined && { error: served.error }),
    }
  }

  /** @throws AppError `adapters_full` (503) */
  async #makeRoom(): Promise<void> {
    const others = [...this.#served.values()].filter(({ state }) => state !== 'failed')
    if (others.length < MAX_SERVED) return
    const idlest = others.reduce((one, other) => (other.usedAt < one.usedAt ? other : one))
    if (this.#shop.now() - idlest.usedAt < IDLE_MS) throw full()
    await this.#store.remove(idlest.task.id)
    await this.#end(idlest.task.id)
    this.#shop.log.info('adapter_made_room', { model: idlest.name })
  }

  #begin(task: Task, name: string): void {
    const usedAt = this.#shop.now()
    const served: Served = { task, name, usedAt, state: 'loading', loaded: Promise.resolve() }
    this.#served.set(task.id, served)
    served.loaded = this.#load(served).catch(async (thrown: unknown) => {
      const { code, message } = toAppError(thrown)
      served.state = 'failed'
      served.error = code === 'internal' ? 'The engine could not load it' : message
      this.#shop.log.warn('adapter_failed', { code })
      await rm(this.#file(task.id), { force: true })
    })
  }

  async #load(served: Served): Promise<void> {
    const { task, name } = served
    const { vault, keys, log } = this.#shop
    const file = this.#file(task.id)
    const key = keys.open(task.id, wrappedKeyOf(task))
    const plain = openSealed(vault.taskPath(task.id, 'gguf'), key, 'gguf')
    await pipeline(Readable.from(plain), createWriteStream(file, { mode: 0o600 }))
    const isAdapter = task.delivery!.kind === 'adapter'
    const base = modelOf(this.#shop, task)?.gguf
    const engine = await startEmbeddedEngine({
      modelPath: isAdapter ? base! : file,
      ...(isAdapter && { adapterPath: file }),
      modelId: name,
      parallel: PARALLEL,
      logger: log,
    })
    served.engine = engine
    served.client = new EngineClient(engine)
    served.state = 'active'
    log.info('adapter_active', { model: name, user: task.user })
  }

  async #end(id: string): Promise<void> {
    const served = this.#served.get(id)
    if (!served) return
    await served.loaded
    this.#served.delete(id)
    await served.client?.close()
    await served.engine?.stop()
    await rm(this.#file(id), { force: true })
  }

  /** In memory. */
  #file(id: string): string {
    return join(this.#shop.workDir, `served-${id}.gguf`)
  }
}

const nameOf = ({ model, id }: Pick<Task, 'model' | 'id'>): string => adapterName(model ?? NO_BASE, id)

const notFound = (name: string): AppError =>
  new AppError({
    code: 'adapter_not_found',
    message: `This user has no model "${name}" here that could be served`,
    hint: 'A model can be served once its task is finished, as long as the provider keeps it',
    next: '0g-compute finetune list',
    status: 404,
  })

const full = (): AppError =>
  new AppError({
    code: 'adapters_full',
    message: `This provider serves ${MAX_SERVED} models of its customers, which is the most`,
    hint: 'Each was asked for within the last hour. Try again later, or end one of your own',
    next: '0g-compute finetune deploy <task> --remove',
    retryable: true,
    status: 503,
  })
