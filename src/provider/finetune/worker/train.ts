import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { AppError } from '../../../base/errors.ts'
import type { Failure, Task } from '../task.ts'
import { orderOf } from '../task.ts'
import { type Outcome, outcomeOf } from '../trainer/outcome.ts'
import type { TrainerEvent, TrainerRun } from '../trainer/trainer.ts'
import type { Workshop } from '../workshop.ts'
import { jobOf } from './job.ts'
import type { Step, StepContext } from './steps.ts'
import { datasetFile, jobFile, unpackDataset, workFolder } from './workFolder.ts'

/** A run that was ended from outside is begun again so often. */
const MAX_RUNS = 5
/** Left for sealing and delivering before the order's time is over, seconds. */
const DELIVERY_SECONDS = 15

/** Waits for the task's turn, and looks once more whether it can be paid. */
export const beginTraining: Step = async (task, { shop, held, signal }) => {
  await held.of(task, signal)
  await shop.chainOf(task).assertPayable(task, BigInt(task.fee!))
  return { change: { state: 'Training' } }
}

/** Sets the fee aside, then trains; a run that was cut short goes on from its last checkpoint. */
export const train: Step = async (task, context) => {
  const { shop, held, signal } = context
  const { gpus } = await held.of(task, signal)
  await shop.chainOf(task).open(task)
  const seconds = await secondsLeft(task, shop)
  if (!existsSync(datasetFile(shop, task))) await unpackDataset(shop, task)
  await writeFile(jobFile(shop, task), JSON.stringify(jobOf(task, shop, { gpus, seconds })), { mode: 0o600 })
  const folder = workFolder(shop, task)
  await shop.trainer.prepareFolder(folder)
  const run = await shop.trainer.start({ id: task.id, folder, gpus })
  const outcome = await follow(run, task, context, seconds)
  signal.throwIfAborted()
  return resultOf(task, outcome)
}

/** How long training may take: what the provider allows, and what the order leaves. */
async function secondsLeft(task: Task, shop: Workshop): Promise<number> {
  const order = orderOf(task)
  if (!order) return shop.limits.trainSeconds
  const left = order.trainBy - (await shop.chainTime()) - DELIVERY_SECONDS
  if (left > 0) return Math.min(left, shop.limits.trainSeconds)
  throw new AppError({
    code: 'train_time_exceeded',
    message: 'The time that the order gives to train is over',
    hint: 'Everything goes back to the user',
  })
}

interface FollowContext extends Pick<StepContext, 'signal'> {
  readonly shop: { readonly store: Pick<Workshop['store'], 'addEvent'> }
}

/** Writes the trainer's events into the task's log, and ends a run that takes too long or is not wanted any more. */
export async function follow(
  run: TrainerRun,
  task: Pick<Task, 'id'>,
  { shop, signal }: FollowContext,
  seconds: number,
): Promise<Outcome> {
  const last = new Map<string, TrainerEvent>()
  let isLate = false
  const end = () => void run.stop()
  const timer = setTimeout(() => {
    isLate = true
    end()
  }, seconds * 1000)
  // While its run was being started, nobody listened.
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    for await (const event of run.events) {
      last.set(event.event, event)
      await shop.store.addEvent(task.id, event)
    }
    const outcome = outcomeOf(last, await run.exited)
    return isLate && outcome.kind !== 'done' ? tooLate(seconds) : outcome
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

function resultOf(task: Task, outcome: Outcome): Awaited<ReturnType<Step>> {
  switch (outcome.kind) {
    case 'done':
      return { change: { state: 'Trained' } }
    case 'failed':
      return failedBy(outcome.failure)
    case 'interrupted':
      return task.runs + 1 < MAX_RUNS ? { change: { runs: task.runs + 1 } } : failedBy(outcome.failure)
  }
}

const failedBy = (failure: Failure) => ({ change: { state: 'Failed' as const, failure } })

const tooLate = (seconds: number): Outcome => ({
  kind: 'failed',
  failure: { code: 'train_time_exceeded', reason: `Training took longer than the ${seconds} s it had` },
})
