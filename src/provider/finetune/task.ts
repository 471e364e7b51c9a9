import type { Address, Hex } from '../../base/hex.ts'
import { type TaskOrder, taskOrderFromJson } from '../../protocol/finetune/order.ts'
import { parseSpec, type TaskSpec } from '../../protocol/finetune/spec.ts'
import type { TaskRequest, TaskState } from '../../protocol/finetune/task.ts'

/** How the money of a task ended: exactly one, once it has ended. */
export type TaskEnd =
  /** The provider got the fee, the user the key. */
  | 'paid'
  /** Everything is the user's again, or never left. */
  | 'refunded'
  /** The user rejected the delivery, or on the deployed contract let it lie: the provider got the penalty. */
  | 'penalty'

/** What was delivered: fixed before anything of it goes to the chain, so that a repetition says the same. */
export interface Delivery {
  /** 0G root of the sealed artifact. */
  readonly root: Hex
  readonly bytes: number
  /** The artifact's key, sealed for the user. */
  readonly encryptedSecret: Hex
  readonly kind: 'adapter' | 'model'
  /** Whether a GGUF lies beside it, which the engine can load. */
  readonly gguf: boolean
}

export interface Failure {
  /** Stable, snake_case. */
  readonly code: string
  readonly reason: string
}

/** Everything that is known of a task. Times in ms unless the name says seconds; amounts in neuron as decimal text. */
export interface Task {
  /** UUID. */
  readonly id: string
  readonly user: Address
  readonly state: TaskState
  /** Raised by each change: who has read an older one cannot write. */
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
  /** The broker whose disk holds the task's files. */
  readonly node: string
  /** Name of the base model, null from scratch. */
  readonly model: string | null
  readonly request: TaskRequest
  /** Id of the order in escrow; null runs by the deployed rules. */
  readonly order: Hex | null
  /** The chain's head when it came: its events are younger. */
  readonly fromBlock: number
  /** 65 bytes, recovered from the signature. */
  readonly publicKey: Hex
  /** The key of the task's files, sealed by the enclave's; null once it is destroyed. */
  readonly wrappedKey: string | null
  readonly tokens: number | null
  readonly fee: string | null
  readonly delivery: Delivery | null
  /** Block time of the delivery. */
  readonly deliveredAtSeconds: number | null
  /** Runs of the trainer that were begun. */
  readonly runs: number
  readonly failure: Failure | null
  readonly end: TaskEnd | null
  /** What the chain paid the provider for it, and when that was seen; rows of older releases do not say. */
  readonly earned?: { readonly amount: string; readonly at: number }
  /** Until then a finished task's artifact is kept. */
  readonly keepUntil: number | null
  /** Nothing is left to do for it, not even to delete. */
  readonly isClosed: boolean
}

export type TaskChange = Partial<Omit<Task, 'id' | 'user' | 'version' | 'createdAt' | 'updatedAt' | 'node'>>

/** The signed order. @throws TypeError only when the row is not ours */
export const orderOf = ({ request }: Pick<Task, 'request'>): TaskOrder | null =>
  request.order ? taskOrderFromJson(request.order) : null

/** The description that the order names; null for clients of the deployed network. */
export const specOf = ({ request }: Pick<Task, 'request'>): TaskSpec | null =>
  request.spec === undefined ? null : parseSpec(request.spec)
