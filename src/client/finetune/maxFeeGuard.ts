import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { cancelTaskDigest } from '../../protocol/finetune/signatures.ts'
import { isCancellable, type Task } from '../../protocol/finetune/task.ts'
import type { LocalTask } from './localTask.ts'
import type { TaskApi } from './taskApi.ts'
import type { UserKey } from './userKey.ts'

/**
 * Where there is no escrow, only the broker says what a task costs: one that asks for more than was counted here is
 * cancelled while that is free.
 * @throws AppError `fee_raised`
 */
export async function maxFeeGuard(api: TaskApi, user: UserKey, task: LocalTask, seen: Task): Promise<void> {
  if (task.order !== null || !/^\d{1,30}$/.test(seen.fee)) return
  const [fee, maxFee] = [BigInt(seen.fee), BigInt(task.maxFee)]
  if (fee <= maxFee || !isCancellable(seen.progress)) return
  await api.cancel(user.address, seen.id, user.signPersonal(cancelTaskDigest(seen.id)))
  throw new AppError({
    code: 'fee_raised',
    message: `The provider asks for ${format0G(fee)} 0G, ${format0G(fee - maxFee)} 0G more than was counted here`,
    hint: 'The task was cancelled before training. Nothing was paid',
    next: '0g-compute finetune models',
    exitCode: EXIT.noFunds,
    details: { fee: fee.toString(), maxFee: maxFee.toString() },
  })
}
