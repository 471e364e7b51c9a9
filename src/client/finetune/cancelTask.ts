import { chainTimeSeconds } from '../../chain/clock.ts'
import { readPenaltyPercent } from '../../chain/fineTuning.ts'
import { type EscrowTask, readEscrowEnding, readEscrowTask, rejectByOf } from '../../chain/taskEscrow.ts'
import { cancelTaskDigest } from '../../protocol/finetune/signatures.ts'
import { isCancellable } from '../../protocol/finetune/task.ts'
import { callContract } from './callContract.ts'
import { notApproved, notCancellable, rejectTooLate } from './errors.ts'
import type { LocalTask } from './localTask.ts'
import { type Pursuit, refundWhenDue } from './pursue.ts'

export interface CancelHooks {
  /** Whether to reject a delivery, which costs the penalty (neuron). Without it nothing is rejected. */
  readonly approvePenalty?: (penalty: bigint, fee: bigint) => Promise<boolean> | boolean
}

export interface CancelResult {
  /** `cancelled`: before training; `returned`: nothing was delivered in time; `rejected`: a delivery. */
  readonly how: 'cancelled' | 'returned' | 'rejected'
  /** Neuron. */
  readonly paid: bigint
  readonly returned: bigint
}

/**
 * Ends a task in the way that its state allows: for nothing before training, for the penalty after the delivery;
 * what was not delivered in time comes back.
 * @throws AppError `task_not_cancellable`, `reject_too_late`, `task_not_approved`
 */
export async function cancelTask(
  pursuit: Pursuit & { readonly cancel: CancelHooks },
  task: LocalTask,
): Promise<CancelResult> {
  const escrow = task.order ? await readEscrowTask(pursuit.session.inference, task.order) : null
  const result = await end(pursuit, task, escrow)
  const ended = { code: 'task_cancelled', message: `Cancelled by you: ${result.how}` }
  await pursuit.store.change(task, { ended })
  return result
}

async function end(
  pursuit: Pursuit & { readonly cancel: CancelHooks },
  task: LocalTask,
  escrow: EscrowTask | null,
): Promise<CancelResult> {
  const { api, user } = pursuit
  if (escrow && (await refundWhenDue(pursuit, task, escrow))) return ending(pursuit, task, 'returned')
  if (escrow?.state === 'Delivered') return reject(pursuit, task, escrow)
  const seen = await api.get(user.address, task.taskId!)
  if (!isCancellable(seen.progress)) throw notCancellable(seen.progress)
  await api.cancel(user.address, seen.id, user.signPersonal(cancelTaskDigest(seen.id)))
  return { how: 'cancelled', paid: 0n, returned: 0n }
}

async function reject(
  pursuit: Pursuit & { readonly cancel: CancelHooks },
  task: LocalTask,
  escrow: EscrowTask,
): Promise<CancelResult> {
  const { session, cancel } = pursuit
  const rejectBy = rejectByOf(escrow)!
  if ((await chainTimeSeconds(session.rpc)) > rejectBy) throw rejectTooLate(rejectBy)
  const penalty = (escrow.fee * BigInt(await readPenaltyPercent(session.inference))) / 100n
  if (!(await cancel.approvePenalty?.(penalty, escrow.fee))) throw notApproved(penalty)
  await callContract(session, 'reject the delivery', 'rejectTask', [task.order])
  return ending(pursuit, task, 'rejected')
}

async function ending(
  { session }: Pursuit,
  task: LocalTask,
  how: CancelResult['how'],
): Promise<CancelResult> {
  const found = await readEscrowEnding(session.inference, task.order!, task.fromBlock)
  return { how, paid: found?.paid ?? 0n, returned: found?.returned ?? BigInt(task.maxFee) }
}
