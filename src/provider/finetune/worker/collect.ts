import type { Standing } from '../chain/taskChain.ts'
import type { Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import type { Step, StepResult } from './steps.ts'

/** Waits until the user accepts, rejects, or lets the time pass. */
export const awaitAnswer: Step = async (task, { shop }) => {
  const chain = shop.chainOf(task)
  const standing = await chain.standing(task)
  if (standing.at === 'acknowledged') return { change: { state: 'UserAcknowledged' } }
  if (standing.at === 'ended') return endedBy(task, standing, shop)
  if (standing.at !== 'delivered' || (await shop.chainTime()) <= standing.until)
    return { waitMs: shop.pollMs }
  if (standing.silence === 'counts-as-accepted') return { change: { state: 'UserAcknowledged' } }
  await chain.endUnanswered(task, task.delivery!, BigInt(task.fee!))
  return { waitMs: 0 }
}

/** Publishes the key and is paid, in one transaction. */
export const collect: Step = async (task, { shop }) => {
  const chain = shop.chainOf(task)
  await chain.collect(task, task.delivery!, BigInt(task.fee!))
  const standing = await chain.standing(task)
  return standing.at === 'ended' ? endedBy(task, standing, shop) : { waitMs: shop.pollMs }
}

function endedBy(task: Task, { end, paid }: Extract<Standing, { at: 'ended' }>, shop: Workshop): StepResult {
  const earned = { amount: paid.toString(), at: shop.now() }
  if (end === 'paid' && task.delivery)
    return { change: { state: 'Finished', end, earned, keepUntil: keepUntil(task, shop) } }
  const failure =
    end === 'penalty'
      ? {
          code: 'delivery_rejected',
          reason: 'The user rejected the delivery, or did not acknowledge it in time',
        }
      : { code: 'key_not_published', reason: 'The key was not published in time: everything went back' }
  return { change: { state: 'Failed', end, earned, failure } }
}

/** Counted from the delivery, ms; whoever waited for the key has an hour all the same. */
export function keepUntil(
  { deliveredAtSeconds }: Pick<Task, 'deliveredAtSeconds'>,
  { now, limits }: Pick<Workshop, 'now' | 'limits'>,
): number {
  const retentionMs = limits.retentionSeconds * 1000
  const promised = (deliveredAtSeconds ?? 0) * 1000 + retentionMs
  return Math.max(promised, now() + Math.min(retentionMs, HOUR_MS))
}

const HOUR_MS = 3_600_000
