import type { Address, Hex } from '../../base/hex.ts'
import type { TaskOrderJson } from './order.ts'
import type { TrainingMethod } from './spec.ts'

/**
 * Where a task stands, in the deployed network's words; `progress` in its JSON.
 * @see client-wire.md section 2.4
 */
export const TASK_STATES = [
  'Init',
  'SettingUp',
  'SetUp',
  'Training',
  'Trained',
  'Delivering',
  'Delivered',
  'UserAcknowledged',
  'Finished',
  'Failed',
] as const
export type TaskState = (typeof TASK_STATES)[number]

/** Nothing happens to a task any more. */
export const isFinalState = (state: TaskState): boolean => state === 'Finished' || state === 'Failed'

/** The trainer has nothing more to tell, and needs no dataset any more. */
export const isTrained = (state: TaskState): boolean =>
  TASK_STATES.indexOf(state) >= TASK_STATES.indexOf('Delivered')

/** The user may still cancel, for nothing. */
export const isCancellable = (state: TaskState): boolean =>
  state === 'Init' || state === 'SettingUp' || state === 'SetUp'

/**
 * Body of `POST /v1/user/{user}/task`. The first eight fields are the deployed network's, in its types; a broker
 * without our additions ignores the rest. The same order sent again answers with the same task.
 * @see client-wire.md section 2.2
 */
export interface TaskRequest {
  readonly userAddress: Address
  /** Root of the dataset as uploaded: of the sealed bytes where it was sealed. */
  readonly datasetHash: string
  /** JSON text of the parameters. @see parameters.ts */
  readonly trainingParams: string
  /** `NO_MODEL` for training from scratch. */
  readonly preTrainedModelHash: string
  /** The broker computes it: `"0"`. */
  readonly fee: string
  /** Decimal; above the account's nonce on chain. */
  readonly nonce: string
  /** Over `createTaskDigest`. The user's public key, to which the model's key is encrypted, is recovered from it. */
  readonly signature: Hex
  /** Whether to queue behind other tasks. */
  readonly wait: boolean

  /** Ours: the description that the order's `task` is the hash of, in the very text that was hashed. @see spec.ts */
  readonly spec?: string
  /** Ours: the fee goes into escrow by this order instead of the deployed contract's settlement. */
  readonly order?: TaskOrderJson
  /** Ours: over `taskOrderDigest`. */
  readonly orderSignature?: Hex
}

/** `preTrainedModelHash` of a task that has no base model. */
export const NO_MODEL = `0x${'0'.repeat(64)}` as Hex

/** Answer to a created task, status 201; 200 when it was there already. */
export interface TaskCreated {
  readonly id: string
}

/**
 * A task as `GET /v1/user/{user}/task/{id}` answers it. Unauthenticated as deployed, so nothing here tells what is
 * in the dataset. Everything after `deliverTime` is ours and may be absent.
 */
export interface Task {
  /** A uuid. */
  readonly id: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly updatedAt: string
  readonly userAddress: Address
  readonly preTrainedModelHash: string
  readonly datasetHash: string
  readonly trainingParams: string
  /** Neuron, decimal; `"0"` until counted. */
  readonly fee: string
  readonly nonce: string
  readonly signature: Hex
  readonly progress: TaskState
  readonly deliverIndex?: string
  /** Unix seconds, decimal; `"0"` before. */
  readonly deliverTime?: string

  /** `TaskOrder` id; with it the fee is in escrow. */
  readonly order?: Hex
  /** Name of the base model; null from scratch. */
  readonly model?: string | null
  readonly method?: TrainingMethod
  /** Tokens of one pass, as the provider counted them. */
  readonly tokens?: number
  /** Tasks before this one. */
  readonly queued?: number
  /** The last figures of training. */
  readonly metrics?: TaskMetrics
  readonly artifact?: TaskArtifact
  readonly deadlines?: TaskDeadlines
  /** Why it failed: a stable code and a sentence without anything of the dataset. */
  readonly failure?: { readonly code: string; readonly reason: string }
  /** Under which name the adapter is served; absent when it is not. */
  readonly adapterName?: string
}

export interface TaskMetrics {
  readonly step: number
  readonly steps: number
  readonly loss: number | null
  readonly evalLoss?: number | null
  readonly learningRate?: number | null
  readonly tokensPerSecond?: number | null
  readonly etaSeconds?: number | null
}

/** What was delivered: the sealed file. */
export interface TaskArtifact {
  /** Of the sealed file. */
  readonly bytes: number
  /** 0G root of the sealed file, as on chain. */
  readonly root: Hex
  /** keccak256 of the key as it will be published. */
  readonly keyHash?: Hex
  readonly kind: 'adapter' | 'model'
}

/** Unix seconds by the chain's clock; null where it does not apply yet. */
export interface TaskDeadlines {
  /** Delivered by then, or everything goes back. */
  readonly trainBy: number | null
  /** Rejected by then, or it counts as accepted. */
  readonly rejectBy: number | null
  /** The key is published by then, or everything goes back. */
  readonly revealBy: number | null
  /** Until then the provider keeps the sealed model. */
  readonly retainedUntil: number | null
}

/** Body of `POST …/task/{id}/cancel`: over `cancelTaskDigest`. */
export interface CancelRequest {
  readonly signature: Hex
}

/**
 * Body of `POST …/task/{id}/lora`: over `downloadDigest`, not older than `SIGNATURE_AGE_SECONDS`. The answer is the
 * sealed file; ours takes `Range: bytes=N-` (206) and names `ETag: "<root>"`.
 */
export interface DownloadRequest {
  readonly signature: Hex
  /** Unix seconds. */
  readonly timestamp: number
}

/** Answer to `POST /v1/user/{user}/dataset`. */
export interface DatasetUploaded {
  readonly datasetHash: string
  readonly message: string
}

/**
 * A line of `GET …/task/{id}/events?after=SEQ[&follow=true]`: NDJSON, for the owner alone by the header
 * `ZG-Task-Read` (`taskReadHeader`). Empty lines keep the connection alive. Trainer's events pass through with
 * their own fields; `seq` counts from 1 and never repeats.
 */
export interface TaskEvent {
  readonly seq: number
  /** ms. */
  readonly at: number
  /** `state`, or an event of the trainer: `started`, `step`, `checkpoint`, `exporting`, `done`, `failed`. */
  readonly event: string
  readonly state?: TaskState
  readonly [field: string]: unknown
}
