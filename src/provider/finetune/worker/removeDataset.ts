import { sameAddress } from '../../../base/hex.ts'
import { isTrained } from '../../../protocol/finetune/task.ts'
import { specOf, type Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'

/**
 * Destroys a task's dataset, unless another task of its user is still to be trained on it, or it was sent again since:
 * then one is about to be ordered.
 */
export async function removeDataset({ store, node, datasets }: Workshop, task: Task): Promise<void> {
  const { id, user, request } = task
  const open = await store.open(node)
  const isNeeded = open.some(
    (other) =>
      other.id !== id &&
      sameAddress(other.user, user) &&
      other.request.datasetHash === request.datasetHash &&
      !isTrained(other.state),
  )
  const isSent = (specOf(task)?.dataset.place ?? 'upload') === 'upload'
  if (!isNeeded) await datasets.remove(user, request.datasetHash, isSent ? task.createdAt : undefined)
}
