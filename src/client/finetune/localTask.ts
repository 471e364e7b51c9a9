import type { Address, Hex } from '../../base/hex.ts'
import type { DatasetPlace, TrainingMethod } from '../../protocol/finetune/spec.ts'
import type { TaskRequest } from '../../protocol/finetune/task.ts'

/**
 * What this machine remembers of a task: enough to go on after a kill at any step. Written before each step that
 * cannot be taken back. Holds no key.
 */
export interface LocalTask {
  readonly v: 1
  /** Name of its folder; made here, before the broker names the task. */
  readonly key: string
  readonly chainId: number
  /** `FineTuningServing`. */
  readonly contract: Address
  readonly user: Address
  readonly provider: Address
  /** The enclave whose evidence was checked. */
  readonly signer: Address
  /** ms */
  readonly createdAt: number
  /** A block before anything of it was on chain. */
  readonly fromBlock: number
  readonly model: string | null
  readonly method: TrainingMethod
  /** Absolute. */
  readonly datasetPath: string
  readonly place: DatasetPlace
  /** What a second call must equal to go on with this task. */
  readonly fingerprint: string
  readonly request: TaskRequest
  /** Id of the order; null by the deployed contract's rules. */
  readonly order: Hex | null
  /** Neuron, decimal: the most that it costs. */
  readonly maxFee: string
  readonly tokens: number
  /** Folder for the model, absolute. */
  readonly output: string
  readonly uploaded: boolean
  /** The broker's id, once it has answered. */
  readonly taskId: string | null
  /** Root of the sealed file that lies here and was checked against the chain. */
  readonly checkedRoot: Hex | null
  readonly acknowledged: boolean
  /** The model lies in `output`. */
  readonly decrypted: boolean
  /** Name under which it is served. */
  readonly adapter: string | null
  /** Why nothing more will happen. */
  readonly ended: { readonly code: string; readonly message: string } | null
}

/** Nothing is left to do for it. @param isToBeServed whether that belongs to it */
export const isOver = ({ decrypted, adapter, ended }: LocalTask, isToBeServed = false): boolean =>
  ended !== null || (decrypted && (adapter !== null || !isToBeServed))

/** An order that was never sent and whose time has nearly run out is made anew. */
export const isStale = ({ request, createdAt }: LocalTask, now: number): boolean => {
  const trainBy = request.order?.trainBy
  if (trainBy === undefined) return false
  const window = trainBy * 1000 - createdAt
  return now - createdAt > window / 2
}
