import type { TaskState } from '../../../protocol/finetune/task.ts'
import type { Task, TaskChange } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import { clear } from './clear.ts'
import { awaitAnswer, collect } from './collect.ts'
import { deliver } from './deliver.ts'
import type { HeldSlots } from './heldSlots.ts'
import { seal } from './seal.ts'
import { setUp } from './setUp.ts'
import { beginTraining, train } from './train.ts'

/** What a step came to: a change of the task, or another look later. */
export type StepResult = { readonly change: TaskChange } | { readonly waitMs: number }

export interface StepContext {
  readonly shop: Workshop
  /** Aborted when the broker stops, or somebody else changed the task. */
  readonly signal: AbortSignal
  readonly held: HeldSlots
}

/** What is done for a task in a state. A step that was cut short is begun again, and ends the same. */
export type Step = (task: Task, context: StepContext) => Promise<StepResult>

export const STEPS: Readonly<Record<TaskState, Step>> = {
  Init: async () => ({ change: { state: 'SettingUp' } }),
  SettingUp: setUp,
  SetUp: beginTraining,
  Training: train,
  Trained: seal,
  Delivering: deliver,
  Delivered: awaitAnswer,
  UserAcknowledged: collect,
  Finished: clear,
  Failed: clear,
}
