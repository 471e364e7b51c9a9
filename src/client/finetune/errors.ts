import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import type { TaskState } from '../../protocol/finetune/task.ts'
import { createCommand } from './createCommand.ts'
import type { LocalTask } from './localTask.ts'

const idOf = ({ taskId, key }: LocalTask): string => taskId ?? key

/** The provider says that it failed. What it says of the reason is shown, not believed. */
export const trainingFailed = (task: LocalTask, code: string, reason: string, back: string): AppError =>
  new AppError({
    code: 'training_failed',
    message: `The task failed: ${reason} (${code})`,
    hint: `${back}. Its log says more`,
    next: `0g-compute finetune logs ${idOf(task)}`,
    details: { task: idOf(task), code },
  })

/** Nothing was delivered in time. */
export const notDelivered = (task: LocalTask): AppError =>
  new AppError({
    code: 'task_not_delivered',
    message: `Nothing was delivered before the deadline; ${format0G(BigInt(task.maxFee))} 0G are yours again`,
    hint: 'They lie in your ledger. Choose another provider, or a longer --train-within',
    next: '0g-compute fund status',
    details: { task: idOf(task) },
  })

/** Accepted, and the key did not come in time. */
export const notRevealed = (task: LocalTask): AppError =>
  new AppError({
    code: 'task_key_not_published',
    message: `The provider did not publish the model's key in time; ${format0G(BigInt(task.maxFee))} 0G are yours again`,
    hint: 'They lie in your ledger. The sealed model is of no use without its key',
    next: '0g-compute fund status',
    details: { task: idOf(task) },
  })

export const taskRejected = (task: LocalTask): AppError =>
  new AppError({
    code: 'task_rejected',
    message: 'This delivery was rejected by you: there is no key for it',
    hint: 'The penalty went to the provider, the rest is in your ledger',
    next: '0g-compute fund status',
    details: { task: idOf(task) },
  })

/** The deployed contract settled it with the penalty, because nothing was acknowledged in time. */
export const acknowledgedTooLate = (task: LocalTask): AppError =>
  new AppError({
    code: 'task_not_acknowledged',
    message: 'The delivery was not acknowledged in time: the provider took its penalty, and there is no key',
    hint: 'That is a rule of the deployed contract. 0g-compute finetune create --wait acknowledges in time',
    next: '0g-compute fund status',
    details: { task: idOf(task) },
  })

/** Nothing of it is lost: the sealed model stays until it is unpacked. @param task null before it is ordered */
export const outputUnwritable = (folder: string, why: string, task: LocalTask | null): AppError =>
  new AppError({
    code: 'output_unwritable',
    message: `The model cannot be written to ${folder}: ${why}`,
    hint: task
      ? 'It is paid for and lies here sealed. Make room, or name another folder'
      : 'Nothing was sent. Name another folder with --out',
    ...(task && {
      next: `0g-compute finetune download ${idOf(task)} --out <folder>`,
      details: { task: idOf(task) },
    }),
    exitCode: EXIT.usage,
  })

/** Found before anything is paid. */
export const outputNotEmpty = (folder: string): AppError =>
  new AppError({
    code: 'output_not_empty',
    message: `There is something in ${folder} already`,
    hint: 'A model gets a folder of its own, and overwrites nothing. Name another with --out',
    exitCode: EXIT.usage,
  })

/** Another file than the one that the provider's enclave put on chain. */
export const wrongArtifact = (task: LocalTask, found: string, expected: readonly string[]): AppError =>
  new AppError({
    code: 'artifact_root_mismatch',
    message: `The provider delivers another file than the one on chain: ${found} instead of ${expected.join(', ')}`,
    hint: 'It was not accepted, and is not kept. Try once more. If it stays so, reject it in time: that costs the penalty, which is shown first, and silence costs the whole fee',
    next: `0g-compute finetune cancel ${idOf(task)}`,
    exitCode: EXIT.rejected,
    details: { task: idOf(task), found, expected },
  })

/** The order on chain is not the one that was signed here. */
export const orderChanged = (task: LocalTask): AppError =>
  new AppError({
    code: 'task_order_changed',
    message: 'The task on chain is not the one that was ordered here',
    hint: 'Its parties or signer differ. Nothing was acknowledged',
    next: '0g-compute fund status',
    exitCode: EXIT.rejected,
    details: { task: idOf(task) },
  })

export const rejectTooLate = (rejectBy: number): AppError =>
  new AppError({
    code: 'reject_too_late',
    message: `The time to reject ended at ${new Date(rejectBy * 1000).toISOString()}: the delivery counts as accepted`,
    hint: 'The model is yours: download it while the provider keeps it',
    next: '0g-compute finetune download',
  })

export const notCancellable = (state: string): AppError =>
  new AppError({
    code: 'task_not_cancellable',
    message: `The task is in state ${state}, in which it cannot be cancelled`,
    hint: 'Before training it ends for nothing, after the delivery it can be rejected for the penalty, and what was not delivered in time is returned',
    next: '0g-compute finetune status',
    exitCode: EXIT.usage,
  })

export const notSubmitted = (task: LocalTask): AppError =>
  new AppError({
    code: 'task_not_submitted',
    message: 'This task was prepared and not sent',
    hint: 'The same create command goes on with it',
    next: createCommand(task),
    exitCode: EXIT.usage,
    details: { task: idOf(task) },
  })

/** There is nothing yet that a provider would serve. */
export const notAccepted = (task: LocalTask, state: TaskState): AppError =>
  new AppError({
    code: 'model_not_accepted',
    message: `The model has to be accepted before it is served, and the task is in state ${state}`,
    hint: 'This waits for it, compares it with the chain, accepts and decrypts it. Then deploy it',
    next: `0g-compute finetune download ${idOf(task)}`,
    exitCode: EXIT.usage,
    details: { task: idOf(task), state },
  })

export const deployUnsupported = (why: string): AppError =>
  new AppError({
    code: 'deploy_unsupported',
    message: `This model cannot be served there: ${why}`,
    hint: 'The model itself is yours: any engine on your own machine loads it',
    next: '0g-compute finetune status',
    exitCode: EXIT.unsupported,
  })

export const deployFailed = (adapter: string, why: string): AppError =>
  new AppError({
    code: 'deploy_failed',
    message: `The provider could not serve ${adapter}: ${why}`,
    hint: 'The model itself is yours, on this machine',
    next: '0g-compute finetune deploy',
    retryable: true,
  })

export const notApproved = (fee: bigint): AppError =>
  new AppError({
    code: 'task_not_approved',
    message: `The task costs ${format0G(fee)} 0G, and nobody said yes`,
    hint: 'Nothing was sent',
    next: '0g-compute finetune create --yes',
    exitCode: EXIT.usage,
    details: { fee: fee.toString() },
  })
