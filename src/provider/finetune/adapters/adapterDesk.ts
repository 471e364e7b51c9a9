import { randomUUID } from 'node:crypto'
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
  /** Its plaintext, in memory; no other has this name, not even the same model's next time. */
  readonly file: string
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
  readonly #ends = new Set<Promise<void>>()
  #isStopped = false

  constructor(shop: Workshop, store: AdapterStore) {
    this.#shop = shop
    this.#store = store
  }

  /** Serves again what was served before. */
  async start(): Promise<void> {
    const { store, node } = this.#shop
    for (const { task: id, name } of await this.#store.all(node)) {
      const task = await store.find(id).catch(() => null)
      if (task && !this.isServed(task)) this.#begin(task, name)
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
    const { taskId } = await this.find(user, name)
    const task = (await this.#shop.store.find(taskId))!
    // Nothing is awaited from the look to the beginning: others deploy at the same time.
    if (!this.isServed(task)) {
      this.#begin(task, name, this.#makeRoom())
      await this.#store.put({ task: taskId, user, node: this.#shop.node, name })
    }
    return this.#document(task)
  }

  /** Ends serving a model; its memory is given back. @throws AppError `adapter_not_found` (404) */
  async remove(user: Address, name: string): Promise<void> {
    const { taskId } = await this.find(user, name)
    await this.#store.remove(taskId)
    const served = this.#served.get(taskId)
    if (served) await this.#end(served)
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
    this.#isStopped = true
    for (const served of this.#served.values()) void this.#end(served)
    await Promise.all(this.#ends)
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

  /** @returns when there is room @throws AppError `adapters_full` (503), at once */
  #makeRoom(): Promise<void> {
    const others = [...this.#served.values()].filter(({ state }) => state !== 'failed')
    if (others.length < MAX_SERVED) return Promise.resolve()
    const idlest = others.reduce((one, other) => (other.usedAt < one.usedAt ? other : one))
    if (this.#shop.now() - idlest.usedAt < IDLE_MS) throw full()
    this.#shop.log.info('adapter_made_room', { model: idlest.name })
    return Promise.all([this.#end(idlest), this.#store.remove(idlest.task.id)]).then(() => undefined)
  }

  #begin(task: Task, name: string, room = Promise.resolve()): void {
    if (this.#isStopped) return
    const usedAt = this.#shop.now()
    const file = join(this.#shop.workDir, `served-${randomUUID()}.gguf`)
    const served: Served = { task, name, file, usedAt, state: 'loading', loaded: Promise.resolve() }
    this.#served.set(task.id, served)
    served.loaded = this.#load(served, room).catch(async (thrown: unknown) => {
      const { code, message } = toAppError(thrown)
      served.state = 'failed'
      served.error = code === 'internal' ? 'The engine could not load it' : message
      this.#shop.log.warn('adapter_failed', { code })
      await rm(file, { force: true })
    })
  }

  async #load(served: Served, room: Promise<void>): Promise<void> {
    const { task, name, file } = served
    const { vault, keys, log } = this.#shop
    await room
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

  /** From now on it is not served. @returns when nothing of it is left */
  #end(served: Served): Promise<void> {
    this.#served.delete(served.task.id)
    const end = unload(served).finally(() => this.#ends.delete(end))
    this.#ends.add(end)
    return end
  }
}

async function unload(served: Served): Promise<void> {
  await served.loaded
  await served.client?.close()
  await served.engine?.stop()
  await rm(served.file, { force: true })
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
