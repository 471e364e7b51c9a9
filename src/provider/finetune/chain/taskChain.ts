import type { Contract, JsonRpcApiProvider } from 'ethers'
import type { Address } from '../../../base/hex.ts'
import type { PrivateKey } from '../../../protocol/signature.ts'
import type { Delivery, Task, TaskEnd } from '../task.ts'
import type { TaskSender } from './taskSender.ts'

/** Where the money of a task stands. Times in unix seconds by the chain's clock. */
export type Standing =
  /** Nothing is on chain yet. */
  | { readonly at: 'nothing' }
  /** The fee is set aside; by `trainBy` the delivery has to be there. */
  | { readonly at: 'opened'; readonly trainBy: number }
  /** The user decides until `until`; what comes after is `silence`. */
  | {
      readonly at: 'delivered'
      readonly since: number
      readonly until: number
      readonly silence: 'counts-as-accepted' | 'costs-the-penalty'
    }
  | { readonly at: 'acknowledged'; readonly since: number }
  /** `paid` to the provider, neuron. */
  | { readonly at: 'ended'; readonly end: TaskEnd; readonly paid: bigint; readonly since: number }

/** What a task does on chain. Every call looks first, so that doing it again does nothing. */
export interface TaskChain {
  /**
   * Whether the user can pay what the task costs.
   * @throws AppError `account_missing`, `signer_not_acknowledged`, `balance_insufficient`, `nonce_used`, `order_…`
   */
  assertPayable(task: Task, fee: bigint): Promise<void>
  /** Sets the fee aside where the contract can. */
  open(task: Task): Promise<void>
  standing(task: Task): Promise<Standing>
  deliver(task: Task, delivery: Delivery, fee: bigint): Promise<void>
  /** Publishes the key and is paid. */
  collect(task: Task, delivery: Delivery, fee: bigint): Promise<void>
  /** Ends a task that was delivered and that its user let lie. */
  endUnanswered(task: Task, delivery: Delivery, fee: bigint): Promise<void>
  /** Gives everything back, as soon as the contract allows it. @returns when that is, null when it is done */
  refund(task: Task): Promise<number | null>
}

/** What both ways share. */
export interface TaskChainOptions {
  readonly rpc: JsonRpcApiProvider
  readonly contract: Contract
  readonly sender: TaskSender
  readonly chainId: number
  readonly address: Address
  readonly provider: Address
  readonly signerKey: PrivateKey
  readonly signer: Address
}
