import { AppError } from '../../base/errors.ts'
import type { FileLock } from '../../base/fileLock.ts'
import { type Hex, hexToBytes, sameAddress } from '../../base/hex.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { findDeliverable, modelRootsOf } from '../../chain/fineTuning.ts'
import {
  type EscrowTask,
  isOtherState,
  readEscrowEnding,
  readEscrowTask,
  refundableFrom,
} from '../../chain/taskEscrow.ts'
import type { Task, TaskState } from '../../protocol/finetune/task.ts'
import type { Session } from '../session.ts'
import { callContract } from './callContract.ts'
import { type DownloadHooks, fetchSealed } from './download.ts'
import {
  acknowledgedTooLate,
  notDelivered,
  notRevealed,
  orderChanged,
  taskRejected,
  trainingFailed,
} from './errors.ts'
import type { LocalTask } from './localTask.ts'
import { maxFeeGuard } from './maxFeeGuard.ts'
import type { TaskApi } from './taskApi.ts'
import type { TaskStore } from './taskStore.ts'
import { unlockModel } from './unlockModel.ts'
import type { UserKey } from './userKey.ts'

export type PursuitStage = 'turn' | 'train' | 'download' | 'acknowledge' | 'key' | 'decrypt' | 'done'

export interface PursuitHooks extends DownloadHooks {
  readonly onStage?: (stage: PursuitStage) => void
  /** What the broker says, each time it is asked. */
  readonly onTask?: (task: Task) => void
  /** The broker does not answer, and is asked again. */
  readonly onUnreachable?: (error: AppError) => void
}

const POLL_MS = 1_000
const SLOW_POLL_MS = 5_000

/** Everything that it takes to bring a task to its end. */
export interface Pursuit {
  readonly session: Session
  readonly store: TaskStore
  readonly api: TaskApi
  readonly user: UserKey
  readonly hooks: PursuitHooks
}

/**
 * Brings a created task to its end, from wherever it is: waits, downloads, checks, acknowledges, decrypts. May be
 * killed anywhere and called again, also while another process does the same: then it waits for that one.
 * @returns the task with its model in `output`
 * @throws AppError `training_failed`, `task_not_delivered`, `task_key_not_published`, `task_rejected`,
 * `artifact_root_mismatch` and those of decryption
 */
export async function pursue(pursuit: Pursuit, local: LocalTask): Promise<LocalTask> {
  const lock = await turn(pursuit, local)
  try {
    return await pursueAlone(pursuit, await current(pursuit.store, local))
  } finally {
    lock.release()
  }
}

async function turn({ session, store, hooks }: Pursuit, task: LocalTask): Promise<FileLock> {
  for (;;) {
    const lock = store.lock(task)
    if (lock) return lock
    hooks.onStage?.('turn')
    await session.runtime.sleep(POLL_MS, hooks.signal)
  }
}

async function pursueAlone(pursuit: Pursuit, local: LocalTask): Promise<LocalTask> {
  const { store, user, hooks } = pursuit
  await store.remove(local, 'dataset')
  if (local.decrypted) {
    await store.remove(local, 'model.sealed')
    return local
  }
  const sealedKey = local.order === null ? await byDeliverable(pursuit, local) : await byOrder(pursuit, local)
  hooks.onStage?.('decrypt')
  const key = await user.open(hexToBytes(sealedKey))
  const task = await current(store, local)
  const output = await unlockModel(store.path(task, 'model.sealed'), task, key)
  const done = await store.change(task, { output, acknowledged: true, decrypted: true })
  await store.remove(task, 'model.sealed')
  hooks.onStage?.('done')
  return done
}

/** With the fee in escrow: the contract says what is next. @returns the encrypted key */
async function byOrder(pursuit: Pursuit, local: LocalTask): Promise<Hex> {
  const { session, hooks } = pursuit
  for (let task = local; ; ) {
    const escrow = await readEscrowTask(session.inference, task.order!)
    if (escrow.state !== 'None') assertSameOrder(task, escrow)
    switch (escrow.state) {
      case 'None':
      case 'Open': {
        hooks.onStage?.('train')
        const isLate = await refundWhenDue(pursuit, task, escrow)
        if (isLate) throw await over(pursuit, task, notDelivered(task))
        if (!(await waitForDelivery(pursuit, task, escrow))) await pause(pursuit, POLL_MS)
        break
      }
      case 'Delivered': {
        task = await download(pursuit, task, [escrow.modelRoot])
        hooks.onStage?.('acknowledge')
        await callContract(session, 'accept the delivery', 'acceptTask', [task.order]).catch(ignoreOtherState)
        task = await pursuit.store.change(task, { acknowledged: true })
        break
      }
      case 'Accepted': {
        task = await download(pursuit, task, [escrow.modelRoot])
        hooks.onStage?.('key')
        if (await refundWhenDue(pursuit, task, escrow)) throw await over(pursuit, task, notRevealed(task))
        await pause(pursuit, POLL_MS)
        break
      }
      case 'Ended': {
        const ending = await readEscrowEnding(session.inference, task.order!, task.fromBlock)
        if (ending?.end === 'NotDelivered') throw await over(pursuit, task, notDelivered(task))
        if (ending?.end === 'NotRevealed') throw await over(pursuit, task, notRevealed(task))
        if (ending?.end === 'Rejected') throw await over(pursuit, task, taskRejected(task))
        await download(pursuit, task, [escrow.modelRoot])
        if (ending?.encryptedKey) return ending.encryptedKey
        await pause(pursuit, POLL_MS)
        break
      }
    }
  }
}

/** By the deployed contract's rules. @returns the encrypted key @see contracts.md section 2.2 */
async function byDeliverable(pursuit: Pursuit, local: LocalTask): Promise<Hex> {
  const { session, user, hooks } = pursuit
  for (let task = local; ; ) {
    const found = await findDeliverable(session.inference, user.address, task.provider, task.taskId!)
    if (found === null) {
      hooks.onStage?.('train')
      if (!(await waitForDelivery(pursuit, task, null))) await pause(pursuit, POLL_MS)
      continue
    }
    if (found.settled && found.encryptedSecret === '0x') {
      throw await over(pursuit, task, acknowledgedTooLate(task))
    }
    task = await download(pursuit, task, modelRootsOf(found.modelRootHash))
    if (found.encryptedSecret !== '0x') return found.encryptedSecret
    if (!found.acknowledged) {
      hooks.onStage?.('acknowledge')
      const args = [task.provider, task.taskId]
      await callContract(session, 'acknowledge the delivery', 'acknowledgeDeliverable', args)
      task = await pursuit.store.change(task, { acknowledged: true })
      continue
    }
    hooks.onStage?.('key')
    await pause(pursuit, SLOW_POLL_MS)
  }
}

/** Asks the broker how far it is. @returns whether the delivery is there by its word */
async function waitForDelivery(
  pursuit: Pursuit,
  task: LocalTask,
  escrow: EscrowTask | null,
): Promise<boolean> {
  const { api, user, hooks } = pursuit
  const seen = await orUnreachable(pursuit, () => api.get(user.address, task.taskId!))
  if (seen === null) return false
  hooks.onTask?.(seen)
  await maxFeeGuard(api, user, task, seen)
  if (seen.progress !== 'Failed') return DELIVERED.includes(seen.progress)
  const { code = 'unknown', reason = 'the provider gives no reason' } = seen.failure ?? {}
  const failure = trainingFailed(task, code, reason, refundHint(escrow))
  // While the fee is in escrow it comes back at the deadline, which `refundWhenDue` sees to.
  throw escrow?.state === 'Open' ? failure : await over(pursuit, task, failure)
}

/** A broker that is away may come back; what becomes of the money meanwhile is on chain. */
async function orUnreachable<T>({ hooks }: Pursuit, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof AppError && error.retryable)) throw error
    hooks.onUnreachable?.(error)
    return null
  }
}

const DELIVERED: readonly TaskState[] = ['UserAcknowledged', 'Finished']

function refundHint(escrow: EscrowTask | null): string {
  if (escrow?.state !== 'Open') return 'Nothing was paid'
  return `The whole fee comes back after ${new Date(escrow.trainBy * 1000).toISOString()}: by the provider, or by 0g-compute finetune cancel`
}

async function download(pursuit: Pursuit, task: LocalTask, expected: readonly Hex[]): Promise<LocalTask> {
  if (task.checkedRoot !== null) return task
  const { session, api, store, user, hooks } = pursuit
  hooks.onStage?.('download')
  const checkedRoot = await fetchSealed(session, api, store, user, task, expected, hooks)
  return store.change(task, { checkedRoot })
}

/** Takes everything back when the provider's time is over. @returns whether it is back */
export async function refundWhenDue(
  { session }: Pick<Pursuit, 'session'>,
  task: LocalTask,
  escrow: EscrowTask,
): Promise<boolean> {
  const from = refundableFrom(escrow)
  if (from === null || (await chainTimeSeconds(session.rpc)) < from) return false
  const call = callContract(session, 'take the fee back', 'refundTask', [task.order])
  const failure = await call.then(
    () => null,
    (error: unknown) => error,
  )
  // The provider may have given it back meanwhile.
  const isBack = (await readEscrowTask(session.inference, task.order!)).state === 'Ended'
  if (failure !== null && !isBack) ignoreOtherState(failure)
  return isBack
}

function assertSameOrder(task: LocalTask, escrow: EscrowTask): void {
  const isSame =
    sameAddress(escrow.user, task.user) &&
    sameAddress(escrow.provider, task.provider) &&
    sameAddress(escrow.signer, task.signer) &&
    escrow.maxFee.toString() === task.maxFee
  if (!isSame) throw orderChanged(task)
}

/** Notes that nothing more will come of it. */
async function over<E extends { code: string; message: string }>(
  { store }: Pursuit,
  task: LocalTask,
  error: E,
): Promise<E> {
  const { code, message } = error
  await store.change(task, { ended: { code, message } })
  return error
}

/** Somebody else has done it already: the next look at the chain tells. */
function ignoreOtherState(error: unknown): void {
  const { details } = error as { details?: { error?: string } }
  if (details?.error !== 'TaskNotInState' && !isOtherState(error)) throw error
}

const pause = ({ session, hooks }: Pursuit, ms: number): Promise<void> =>
  session.runtime.sleep(ms, hooks.signal)

async function current(store: TaskStore, task: LocalTask): Promise<LocalTask> {
  return store.find({ chainId: task.chainId, contract: task.contract, user: task.user }, task.key)
}
