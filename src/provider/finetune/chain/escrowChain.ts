import { keccak256 } from 'ethers'
import { AppError, EXIT } from '../../../base/errors.ts'
import type { Hex } from '../../../base/hex.ts'
import { format0G } from '../../../base/units.ts'
import { chainTimeSeconds } from '../../../chain/clock.ts'
import { findFineTuningAccount } from '../../../chain/fineTuning.ts'
import {
  type EscrowTask,
  readEscrowEnding,
  readEscrowTask,
  refundableFrom,
  rejectByOf,
} from '../../../chain/taskEscrow.ts'
import { signTaskDelivery } from '../../../protocol/finetune/order.ts'
import { type Delivery, orderOf, type Task, type TaskEnd } from '../task.ts'
import type { Standing, TaskChain, TaskChainOptions } from './taskChain.ts'

/** A signature of the enclave that nobody sent is void after this. */
const SIGNATURE_SECONDS = 3600
/** A deadline nearer than this is taken for missed: blocks come when they come. */
const MARGIN_SECONDS = 2

const ENDS: Readonly<Record<string, TaskEnd>> = {
  Paid: 'paid',
  NotDelivered: 'refunded',
  NotRevealed: 'refunded',
  Rejected: 'penalty',
}

/** Tasks whose fee lies in escrow by a signed order. @see docs/CONTRACTS.md, a task in escrow */
export class EscrowChain implements TaskChain {
  readonly #options: TaskChainOptions

  constructor(options: TaskChainOptions) {
    this.#options = options
  }

  async assertPayable(task: Task, fee: bigint): Promise<void> {
    const { contract, provider, rpc } = this.#options
    const order = orderOf(task)!
    if (fee > order.maxFee) throw feeAboveMaximum(fee, order.maxFee)
    if (order.trainBy - MARGIN_SECONDS <= (await chainTimeSeconds(rpc))) throw orderExpired()
    if ((await this.#task(task)).state !== 'None') return
    const account = await findFineTuningAccount(contract, task.user, provider)
    const free = account ? account.balance - account.pendingRefund : 0n
    if (free < order.maxFee) throw balanceInsufficient(order.maxFee, free)
  }

  async open(task: Task): Promise<void> {
    if ((await this.#task(task)).state !== 'None') return
    const order = orderOf(task)!
    await this.#send('set the fee aside', 'openTask', [order, task.request.orderSignature])
  }

  async standing(task: Task): Promise<Standing> {
    const found = await this.#task(task)
    switch (found.state) {
      case 'None':
        return { at: 'nothing' }
      case 'Open':
        return { at: 'opened', trainBy: found.trainBy }
      case 'Delivered': {
        const until = rejectByOf(found)!
        return { at: 'delivered', since: found.deliveredAt, until, silence: 'counts-as-accepted' }
      }
      case 'Accepted':
        return { at: 'acknowledged', since: found.deliveredAt }
      case 'Ended':
        return { at: 'ended', ...(await this.#end(task)), since: found.deliveredAt }
    }
  }

  async deliver(task: Task, { root, encryptedSecret }: Delivery, fee: bigint): Promise<void> {
    const { rpc, provider, chainId, address, signerKey } = this.#options
    if ((await this.#task(task)).state !== 'Open') return
    const delivery = {
      provider,
      order: task.order!,
      modelRoot: root,
      keyHash: keccak256(encryptedSecret) as Hex,
      fee,
      deadline: (await chainTimeSeconds(rpc)) + SIGNATURE_SECONDS,
    }
    const signature = signTaskDelivery(signerKey, chainId, address, delivery)
    const { order, modelRoot, keyHash, deadline } = delivery
    const args = [order, modelRoot, keyHash, fee, deadline, signature]
    await this.#send('deliver a model', 'deliverTask', args)
  }

  async collect(task: Task, { encryptedSecret }: Delivery): Promise<void> {
    if ((await this.#task(task)).state === 'Ended') return
    await this.#send('publish the key of a model', 'publishKey', [task.order, encryptedSecret])
  }

  /** In escrow silence counts as acceptance. */
  endUnanswered(task: Task, delivery: Delivery): Promise<void> {
    return this.collect(task, delivery)
  }

  async refund(task: Task): Promise<number | null> {
    const found = await this.#task(task)
    const from = refundableFrom(found)
    if (from === null) return null
    if ((await chainTimeSeconds(this.#options.rpc)) < from) return from
    await this.#send('give a fee back', 'refundTask', [task.order])
    return null
  }

  #task(task: Task): Promise<EscrowTask> {
    return readEscrowTask(this.#options.contract, task.order!)
  }

  async #end(task: Task): Promise<{ readonly end: TaskEnd; readonly paid: bigint }> {
    const ending = await readEscrowEnding(this.#options.contract, task.order!, task.fromBlock)
    if (ending) return { end: ENDS[ending.end]!, paid: ending.paid }
    throw new AppError({
      code: 'ending_unknown',
      message: 'The chain says that a task ended, and not yet how',
      hint: 'The node may be behind: it is asked again',
      retryable: true,
    })
  }

  /** Somebody else may have been first: then the state tells, at the next look. */
  async #send(title: string, method: string, args: readonly unknown[]): Promise<void> {
    try {
      await this.#options.sender.send(title, method, args)
    } catch (error) {
      if (!(error instanceof AppError) || error.details?.error !== 'TaskNotInState') throw error
    }
  }
}

const feeAboveMaximum = (fee: bigint, maxFee: bigint): AppError =>
  new AppError({
    code: 'fee_above_maximum',
    message: `The task costs ${format0G(fee)} 0G, its order allows ${format0G(maxFee)} 0G`,
    hint: 'Nothing was paid. Raise --max-fee, or train for fewer epochs',
    next: '0g-compute finetune create --help',
    exitCode: EXIT.noFunds,
    status: 402,
    details: { fee: fee.toString(), maxFee: maxFee.toString() },
  })

const orderExpired = (): AppError =>
  new AppError({
    code: 'order_expired',
    message: 'The time in which the order allows to train is over before training began',
    hint: 'Nothing was paid. Order again, with more time',
    next: '0g-compute finetune create --help',
    status: 409,
  })

export const balanceInsufficient = (needed: bigint, free: bigint): AppError =>
  new AppError({
    code: 'balance_insufficient',
    message: `The task needs ${format0G(needed)} 0G in the sub-account, ${format0G(free)} 0G are there: ${format0G(needed - free)} 0G missing`,
    hint: 'Nothing was paid',
    next: '0g-compute fund',
    exitCode: EXIT.noFunds,
    status: 402,
    details: { needed: needed.toString(), available: free.toString() },
  })
