import type { Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import { removeDataset } from './removeDataset.ts'
import type { Step } from './steps.ts'
import { removeWorkFolder } from './workFolder.ts'

/** Looks at what is kept for its user at most so rarely, ms. */
const KEPT_POLL_MS = 60_000

/** What is left after the end: what is owed back goes back, and every file and key is destroyed in time. */
export const clear: Step = async (task, context) => {
  const { shop, held } = context
  held.release(task.id)
  if (task.state === 'Finished') {
    const leftMs = (task.keepUntil ?? 0) - shop.now()
    if (leftMs > 0 || shop.isServed(task)) return { waitMs: Math.max(1000, Math.min(leftMs, KEPT_POLL_MS)) }
    await destroy(shop, task)
    return { change: { isClosed: true, wrappedKey: null } }
  }
  if (task.wrappedKey !== null) {
    await destroy(shop, task)
    return { change: { wrappedKey: null } }
  }
  return giveBack(task, shop)
}

async function giveBack(task: Task, shop: Workshop): ReturnType<Step> {
  const chain = shop.chainOf(task)
  const from = await chain.refund(task)
  if (from !== null) return { waitMs: shop.pollMs }
  const standing = await chain.standing(task)
  const end = standing.at === 'ended' ? standing.end : 'refunded'
  return { change: { isClosed: true, end } }
}

/** Nothing of the task stays, neither in memory nor on the disk. The key's row is overwritten. */
async function destroy(shop: Workshop, task: Task): Promise<void> {
  await removeWorkFolder(shop, task)
  await shop.vault.removeTask(task.id)
  await removeDataset(shop, task)
}
