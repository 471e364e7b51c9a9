import type { Address } from '../../../base/hex.ts'
import type { TaskState } from '../../../protocol/finetune/task.ts'

/** `record` is the task as JSON; the other columns are what is searched by. `mac` seals all of them. */
export interface TaskRow {
  readonly id: string
  readonly user: Address
  readonly node: string
  readonly state: TaskState
  readonly version: number
  readonly created_at: number
  readonly closed: number
  readonly record: string
  readonly mac: string
}

/** A line of a task's log: an event as JSON. */
export interface TaskLineRow {
  readonly task: string
  readonly line: number
  readonly kind: string
  readonly text: string
}

/** A dataset that was uploaded: whose, under which root, and the sealed key of its file. */
export interface DatasetRow {
  readonly user: Address
  readonly root: string
  readonly node: string
  readonly created_at: number
  readonly bytes: number
  readonly wrapped_key: string
  readonly mac: string
}

/** A model that is served for its owner alone. */
export interface AdapterRow {
  readonly task: string
  readonly user: Address
  readonly node: string
  readonly name: string
  readonly record: string
  readonly mac: string
}

export interface FineTuningTables {
  readonly finetune_tasks: TaskRow
  readonly finetune_lines: TaskLineRow
  readonly finetune_datasets: DatasetRow
  readonly finetune_adapters: AdapterRow
}
