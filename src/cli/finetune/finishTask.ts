import { counted } from '../../base/counted.ts'
import type { Curve } from '../../client/finetune/curve.ts'
import { curveOf } from '../../client/finetune/curve.ts'
import type { FineTuning } from '../../client/finetune/fineTuning.ts'
import type { LocalTask } from '../../client/finetune/localTask.ts'
import type { PursuitHooks, PursuitStage } from '../../client/finetune/pursue.ts'
import type { Task } from '../../protocol/finetune/task.ts'
import type { Context } from '../framework/context.ts'
import type { Progress } from '../framework/output.ts'
import { learned } from './learned.ts'
import { taskObject } from './runCreate.ts'

export interface FinishOptions {
  readonly deploy: boolean
  /** What is known of the order, for the result. */
  readonly about?: object
}

const STAGES: Readonly<Record<PursuitStage, string>> = {
  turn: 'Waiting for another process that works on this task',
  train: 'Waiting for the model',
  download: 'Downloading',
  acknowledge: 'The file is the one on chain: accepting it',
  key: 'Waiting for the key',
  decrypt: 'Decrypting',
  done: 'Done',
}

/** Waits, downloads, checks, accepts, decrypts, and serves when that is wished; a kill anywhere loses nothing. */
export async function finishTask(
  context: Context,
  task: LocalTask,
  { deploy, about = {} }: FinishOptions,
): Promise<undefined> {
  const { out, signal } = context
  const { finetune } = await context.compute()
  const progress = await out.progress(STAGES.train)
  try {
    let done = await finetune.finish(task.key, hooksFor(progress, signal))
    const curve = await curveKnown(finetune, done)
    out.note(`The model lies in ${done.output}`)
    if (deploy) {
      const onState = (state: string) => progress.update(`Serving it: ${state}`)
      done = await finetune.deploy(done, { onState, signal })
      out.note(`The provider serves it for you alone as ${done.adapter}`)
    }
    out.report({ ...about, ...taskObject(done), training: curve && figures(curve) }, () =>
      summary(done, curve),
    )
    out.next(
      done.adapter
        ? `0g-compute infer "…" --model ${done.adapter}`
        : `0g-compute finetune deploy ${done.taskId}`,
    )
    return undefined
  } finally {
    progress.stop()
  }
}

function hooksFor(progress: Progress, signal: AbortSignal): PursuitHooks {
  return {
    signal,
    onStage: (stage) => progress.update(STAGES[stage]),
    onTask: (seen) => progress.update(describe(seen)),
    onUnreachable: ({ message }) => progress.update(`${message}; asking again`),
    onBytes: (bytes, total) =>
      progress.update(`Downloading: ${megabytes(bytes)}${total ? ` of ${megabytes(total)}` : ''} MB`),
  }
}

/** A task in one line, for people who wait. */
export function describe({ progress, metrics, queued }: Task): string {
  if (progress === 'Training' && metrics) {
    const { step, steps, loss, etaSeconds } = metrics
    const rest = etaSeconds == null ? '' : `, about ${Math.ceil(etaSeconds)} s left`
    return `Training: step ${step} of ${steps}${loss === null ? '' : `, loss ${loss.toFixed(3)}`}${rest}`
  }
  return queued ? `${progress}: ${counted(queued, 'task')} before this one` : progress
}

/** A broker of the deployed network tells no figures. */
const curveKnown = (finetune: FineTuning, task: LocalTask): Promise<Curve | null> =>
  finetune.events(task).then(curveOf, () => null)

export const figures = (curve: Curve): object => {
  const { steps, lossFirst, lossLast, lossAtEnd, heldOutFirst, heldOutLast, tokensPerSecond } = curve
  return { steps, lossFirst, lossLast, lossAtEnd, heldOutFirst, heldOutLast, tokensPerSecond }
}

function summary({ output, adapter }: LocalTask, curve: Curve | null): string {
  return [
    ...(curve ? learned(curve) : []),
    `Model: ${output}`,
    ...(adapter ? [`Served as: ${adapter}`] : []),
  ].join('\n')
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
