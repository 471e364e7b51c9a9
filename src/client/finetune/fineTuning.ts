import { resolve } from 'node:path'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { type FineTuningAccount, findFineTuningAccount, fineTuningContract } from '../../chain/fineTuning.ts'
import { type EscrowTask, readEscrowTask } from '../../chain/taskEscrow.ts'
import { isTrained, type Task, type TaskEvent } from '../../protocol/finetune/task.ts'
import { Funding } from '../funding/funding.ts'
import type { FundingPlan } from '../funding/fundingPlan.ts'
import { requireAccount, type Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'
import { assertAccepted } from './assertAccepted.ts'
import type { CancelHooks, CancelResult } from './cancelTask.ts'
import type { CreateHooks } from './createHooks.ts'
import type { DeployHooks } from './deployAdapter.ts'
import { notApproved, notSubmitted } from './errors.ts'
import { isOver, isStale, type LocalTask } from './localTask.ts'
import { FineTuneMarket, type FineTuneOffer } from './market.ts'
import { assertUsable } from './outputFolder.ts'
import type { TrainPlan, TrainRequest } from './plan.ts'
import type { Pursuit, PursuitHooks } from './pursue.ts'
import { TaskStore } from './taskStore.ts'
import { UserKey } from './userKey.ts'

/** A task as this machine, its broker and the chain know it; null where one of them does not. */
export interface TaskView {
  readonly local: LocalTask
  readonly seen: Task | null
  readonly escrow: EscrowTask | null
}

/**
 * Fine-tuning and training for a buyer: from a dataset to a model that is decrypted on this machine.
 *
 * Part of `openCompute` in Node: it keeps files. What takes long to load is loaded when it is used.
 * Every step is written down before it is taken: whatever is killed goes on when it is called again.
 * @example
 * const task = await compute.finetune.create({ model, dataset: { path: 'data.jsonl' } }, { approve, approveTask })
 * const done = await compute.finetune.finish(task.key)
 * console.log(done.output)
 */
export class FineTuning {
  readonly market: FineTuneMarket
  /** Its contract is `FineTuningServing`: funding and evidence work on it as they do for inference. */
  readonly #session: Session
  readonly #inference: Session
  readonly #store: TaskStore
  readonly #funding: Funding
  readonly #tokens: SessionTokens

  constructor(session: Session, tokens: SessionTokens, stateDir: string) {
    const { network, rpc } = session
    this.#inference = session
    this.#session = {
      ...session,
      network: { ...network, inference: network.fineTuning },
      inference: fineTuningContract(network.fineTuning, rpc),
      connected: async () => this.#session,
    }
    this.#store = new TaskStore(stateDir)
    this.#funding = new Funding(this.#session)
    this.#tokens = tokens
    this.market = new FineTuneMarket(this.#session)
  }

  /** What every provider that answers trains, cheapest first. */
  offers(): Promise<FineTuneOffer[]> {
    return this.market.offers()
  }

  /** Everything that can be known before money moves. @throws AppError `output_…` @see planTask */
  async plan(request: TrainRequest): Promise<TrainPlan> {
    await assertUsable(request.output)
    return this.#plan(request)
  }

  /** What `create` would send to make the money ready. */
  planFunds(plan: TrainPlan): Promise<FundingPlan> {
    const { provider, teeSignerAddress } = plan.offer.service
    return this.#funding.plan(provider, plan.fee, { signer: teeSignerAddress })
  }

  /** The sub-account at a provider, or null. */
  account(provider: Address): Promise<FineTuningAccount | null> {
    return findFineTuningAccount(this.#session.inference, this.#owner.user, provider)
  }

  /**
   * Checks, prices, funds, signs, uploads, creates. A call that equals an unfinished one goes on with that.
   * @throws AppError among others `dataset_…`, `parameter_…`, `max_fee_exceeded`, `funding_needed`
   */
  async create(request: TrainRequest, hooks: CreateHooks): Promise<LocalTask> {
    hooks.onStage?.('check')
    const { fingerprintOf, submitTask } = await import('./create.ts')
    const plan = await this.#plan(request)
    const user = await this.#userKey()
    const api = this.market.api(plan.offer.service)
    const unfinished = await this.#unfinished(fingerprintOf(plan, request), request.deploy)
    if (unfinished) hooks.onResume?.(unfinished)
    if (unfinished?.taskId) return unfinished
    const task = unfinished ?? (await this.#order(plan, request, user, hooks))
    hooks.onStage?.('upload')
    const created = await submitTask(this.#session, this.#store, user, api, task, request.store)
    hooks.onStage?.('created')
    return created
  }

  /** Goes on with a task until its model lies decrypted in its folder. @param id its beginning; default the newest */
  async finish(id: string | undefined, hooks: PursuitHooks = {}): Promise<LocalTask> {
    const [task, { pursue }] = [await this.find(id), await import('./pursue.ts')]
    return pursue(await this.#pursuit(task, hooks), task)
  }

  /** @throws AppError `task_unknown` */
  find(id: string | undefined): Promise<LocalTask> {
    return this.#store.find(this.#owner, id)
  }

  /**
   * Where the model of a task is to go, instead of what was said when it was ordered. One that lies there already stays.
   * @throws AppError `output_not_empty`
   */
  async moveOutput(task: LocalTask, output: string): Promise<LocalTask> {
    if (task.decrypted || resolve(output) === task.output) return task
    await assertUsable(output)
    return this.#store.change(task, { output: resolve(output) })
  }

  /**
   * Takes over a task that another machine or client created, by what its broker and the chain know.
   * @throws AppError `task_order_changed`, `output_not_empty`
   */
  async adopt(provider: Address, id: string, output: string): Promise<LocalTask> {
    const known = await this.#store.list(this.#owner)
    const found = known.find(({ taskId }) => taskId === id)
    if (found) return this.moveOutput(found, output)
    await assertUsable(output)
    const [service, { adoptTask }] = [await this.market.service(provider), await import('./adoptTask.ts')]
    return adoptTask(this.#session, this.#store, this.market.api(service), service, id, output)
  }

  /** Tasks of this machine, newest first. */
  tasks(): Promise<LocalTask[]> {
    return this.#store.list(this.#owner)
  }

  /** What is known of a task now. A broker that does not answer leaves `seen` null. */
  async view(local: LocalTask): Promise<TaskView> {
    const [seen, escrow] = await Promise.all([
      this.#seen(local).catch(() => null),
      local.order ? readEscrowTask(this.#session.inference, local.order) : null,
    ])
    return { local, seen, escrow }
  }

  /** Figures of training as they come, until the delivery. Goes on where a broken connection ended. */
  async *follow(local: LocalTask, signal?: AbortSignal): AsyncGenerator<TaskEvent> {
    for (let after = 0; ; ) {
      try {
        for await (const event of this.#events(local, { after, follow: true, ...(signal && { signal }) })) {
          after = event.seq
          yield event
          if (event.event === 'state' && event.state && isTrained(event.state)) return
        }
      } catch (error) {
        if (signal?.aborted || !(error instanceof AppError && error.retryable)) throw error
      }
      const seen = await this.#seen(local).catch(() => null)
      if (seen && isTrained(seen.progress)) return
      await this.#session.runtime.sleep(RECONNECT_MS, signal)
    }
  }

  /** Every figure of training that is known: of the broker, or as kept here since it was last asked. */
  async events(local: LocalTask): Promise<TaskEvent[]> {
    try {
      const events: TaskEvent[] = []
      for await (const event of this.#events(local, { after: 0, follow: false })) events.push(event)
      if (events.length > 0) await this.#store.keepEvents(local, events)
      return events
    } catch (error) {
      const kept = await this.#store.keptEvents(local)
      if (kept.length > 0) return kept
      throw error
    }
  }

  /** The trainer's log, for its owner alone. */
  async *logs(local: LocalTask, options: { follow: boolean; signal?: AbortSignal }): AsyncGenerator<string> {
    const { api, user } = await this.#broker(local)
    const header = user.readHeader(local.taskId!, this.#nowSeconds())
    yield* api.log(user.address, local.taskId!, header, options)
  }

  /** Ends a task in the way that its state allows. @throws AppError `task_not_cancellable`, `reject_too_late` */
  async cancel(local: LocalTask, hooks: CancelHooks): Promise<CancelResult> {
    const { cancelTask } = await import('./cancelTask.ts')
    return cancelTask({ ...(await this.#pursuit(local, {})), cancel: hooks }, local)
  }

  /** Has an accepted model served for its owner alone. @returns its name @throws AppError `model_not_accepted` */
  async deploy(local: LocalTask, hooks: DeployHooks = {}): Promise<LocalTask> {
    assertAccepted(local, await this.#seen(local).catch(() => null))
    const { deployAdapter } = await import('./deployAdapter.ts')
    const adapter = await deployAdapter(this.#inference, this.#tokens, local, hooks)
    return this.#store.change(local, { adapter })
  }

  /** Ends that: the provider destroys what it keeps of the model once the time that it promised is over. */
  async undeploy(local: LocalTask): Promise<LocalTask> {
    if (local.taskId === null) throw notSubmitted(local)
    const { removeAdapter } = await import('./deployAdapter.ts')
    await removeAdapter(this.#inference, this.#tokens, local)
    return this.#store.change(local, { adapter: null })
  }

  /** Who serves an adapter of ours, by its name; null for one that was not deployed from here. */
  async servedBy(adapter: string): Promise<Address | null> {
    if (!this.#session.account) return null
    const tasks = await this.tasks()
    return tasks.find((task) => task.adapter === adapter)?.provider ?? null
  }

  async *#events(
    local: LocalTask,
    options: { after: number; follow: boolean; signal?: AbortSignal },
  ): AsyncGenerator<TaskEvent> {
    const { api, user } = await this.#broker(local)
    const header = user.readHeader(local.taskId!, this.#nowSeconds())
    yield* api.events(user.address, local.taskId!, header, options)
  }

  get #owner() {
    const { network } = this.#session
    const user = requireAccount(this.#session).address
    return { chainId: network.chainId, contract: network.fineTuning, user }
  }

  async #userKey(): Promise<UserKey> {
    return new UserKey(await requireAccount(this.#session).signer(this.#session.rpc))
  }

  async #seen(local: LocalTask): Promise<Task | null> {
    if (local.taskId === null) return null
    const service = await this.market.service(local.provider)
    return this.market.api(service).get(local.user, local.taskId)
  }

  async #broker(local: LocalTask) {
    if (local.taskId === null) throw notSubmitted(local)
    const [service, user] = await Promise.all([this.market.service(local.provider), this.#userKey()])
    return { api: this.market.api(service), user }
  }

  async #pursuit(local: LocalTask, hooks: PursuitHooks): Promise<Pursuit> {
    return { session: this.#session, store: this.#store, ...(await this.#broker(local)), hooks }
  }

  async #plan(request: TrainRequest): Promise<TrainPlan> {
    const { planTask } = await import('./plan.ts')
    return planTask(this.#session, this.market, request)
  }

  /** Pays into the sub-account and signs; nothing of it has been sent to the provider yet. */
  async #order(
    plan: TrainPlan,
    request: TrainRequest,
    user: UserKey,
    hooks: CreateHooks,
  ): Promise<LocalTask> {
    const { provider, teeSignerAddress: signer } = plan.offer.service
    await assertUsable(request.output)
    if (request.deploy) {
      const { serviceServing } = await import('./deployAdapter.ts')
      await serviceServing(this.#inference, provider)
    }
    if (!(await hooks.approveTask?.(plan))) throw notApproved(plan.fee)
    hooks.onStage?.('fund')
    await this.#funding.ensure(provider, () => plan.fee, hooks, { signer })
    hooks.onStage?.('seal')
    await this.#store.sweep(this.#session.runtime.now())
    const { orderTask } = await import('./create.ts')
    return orderTask(this.#session, this.#store, user, plan, request)
  }

  /** A task of the same order that has not come to its end; one that its broker has given up is no hindrance. */
  async #unfinished(fingerprint: string, isToBeServed = false): Promise<LocalTask | null> {
    const tasks = await this.tasks()
    const same = tasks.find((task) => task.fingerprint === fingerprint && !isOver(task, isToBeServed))
    if (!same) return null
    if (same.taskId === null) return isStale(same, this.#session.runtime.now()) ? null : same
    const seen = await this.#seen(same).catch(() => null)
    return seen?.progress === 'Failed' ? null : same
  }

  #nowSeconds(): number {
    return Math.floor(this.#session.runtime.now() / 1000)
  }
}

const RECONNECT_MS = 1_000
