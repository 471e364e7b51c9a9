import type { Task, TaskState } from '../../protocol/finetune/task.ts'
import { notAccepted, notSubmitted, trainingFailed } from './errors.ts'
import type { LocalTask } from './localTask.ts'

const ACCEPTED: readonly TaskState[] = ['UserAcknowledged', 'Finished']

/**
 * Makes sure that there is a model that a provider serves: it is trained, and its user accepted it.
 * @param seen what the broker says; where it says nothing the deployment itself shows
 * @throws AppError `task_not_submitted`, `model_not_accepted`, `training_failed`
 */
export function assertAccepted(task: LocalTask, seen: Task | null): void {
  if (task.acknowledged || task.decrypted) return
  if (task.taskId === null) throw notSubmitted(task)
  if (!seen || ACCEPTED.includes(seen.progress)) return
  if (seen.progress !== 'Failed') throw notAccepted(task, seen.progress)
  const { code = 'unknown', reason = 'the provider gives no reason' } = seen.failure ?? {}
  throw trainingFailed(task, code, reason, 'There is no model to serve')
}
