import { AppError, EXIT } from '../../../base/errors.ts'
import type { Hex } from '../../../base/hex.ts'
import {
  type FineTuningAccount,
  findDeliverable,
  findFineTuningAccount,
  modelRootHashOf,
  readPenaltyPercent,
} from '../../../chain/fineTuning.ts'
import { signVerifierMessage } from '../../../protocol/finetune/order.ts'
import type { Delivery, Task } from '../task.ts'
import { balanceInsufficient } from './escrowChain.ts'
import type { Standing, TaskChain, TaskChainOptions } from './taskChain.ts'

export interface DeployedChainOptions extends TaskChainOptions {
  /** How long a user may let a delivery lie, seconds; then it costs the penalty. Below the lock time of refunds. */
  readonly ackSeconds: number
}

/** Tasks by the deployed contract's rules: a deliverable, an acknowledgement, a settlement. @see provider-broker.md 2.8 */
export class DeployedChain implements TaskChain {
  readonly #options: DeployedChainOptions

  constructor(options: DeployedChainOptions) {
    this.#options = options
  }

  async assertPayable(task: Task, fee: bigint): Promise<void> {
    const account = await this.#account(task)
    if (!account.acknowledged) throw notAcknowledged()
    if (BigInt(task.request.nonce) <= account.nonce) throw nonceUsed(account.nonce)
    const newest = account.deliverables.at(-1)
    if (newest && newest.id !== task.id && !newest.acknowledged && !newest.settled) throw unanswered()
    const free = account.balance - account.pendingRefund
    if (free < fee) throw balanceInsufficient(fee, free)
  }

  /** The deployed contract sets nothing aside. */
  async open(): Promise<void> {}

  async standing(task: Task): Promise<Standing> {
    const { contract, provider, ackSeconds } = this.#options
    const found = await findDeliverable(contract, task.user, provider, task.id)
    if (!found) return { at: 'nothing' }
    const since = found.timestamp
    if (found.settled) {
      const fee = BigInt(task.fee ?? 0)
      if (found.acknowledged) return { at: 'ended', end: 'paid', paid: fee, since }
      const percent = BigInt(await readPenaltyPercent(contract))
      return { at: 'ended', end: 'penalty', paid: (fee * percent) / 100n, since }
    }
    if (found.acknowledged) return { at: 'acknowledged', since }
    return { at: 'delivered', since, until: since + ackSeconds, silence: 'costs-the-penalty' }
  }

  async deliver(task: Task, { root }: Delivery): Promise<void> {
    if ((await this.standing(task)).at !== 'nothing') return
    const args = [task.user, task.id, modelRootHashOf(root)]
    await this.#send('deliver a model', 'addDeliverable', args)
  }

  collect(task: Task, delivery: Delivery, fee: bigint): Promise<void> {
    return this.#settle(task, delivery, fee, delivery.encryptedSecret)
  }

  endUnanswered(task: Task, delivery: Delivery, fee: bigint): Promise<void> {
    return this.#settle(task, delivery, fee, '0x')
  }

  /** What was not delivered costs nothing here: no money has moved. */
  async refund(): Promise<null> {
    return null
  }

  async #settle(task: Task, { root }: Delivery, fee: bigint, encryptedSecret: Hex): Promise<void> {
    const { chainId, address, signerKey } = this.#options
    if ((await this.standing(task)).at === 'ended') return
    const message = {
      id: task.id,
      encryptedSecret,
      modelRootHash: modelRootHashOf(root),
      nonce: BigInt(task.request.nonce),
      taskFee: fee,
      user: task.user,
    }
    const signature = signVerifierMessage(signerKey, chainId, address, message)
    await this.#send('settle a task', 'settleFees', [{ ...message, signature }])
  }

  async #account(task: Task): Promise<FineTuningAccount> {
    const { contract, provider } = this.#options
    const account = await findFineTuningAccount(contract, task.user, provider)
    if (account) return account
    throw new AppError({
      code: 'account_missing',
      message: 'There is no fine-tuning sub-account at this provider',
      hint: 'Nothing was paid. Transfer the fee to one first',
      next: '0g-compute fund',
      exitCode: EXIT.noFunds,
      status: 402,
    })
  }

  async #send(title: string, method: string, args: readonly unknown[]): Promise<void> {
    try {
      await this.#options.sender.send(title, method, args)
    } catch (error) {
      const name = error instanceof AppError ? error.details?.error : undefined
      if (name !== 'DeliverableAlreadyExists' && name !== 'DeliverableAlreadySettled') throw error
    }
  }
}

const notAcknowledged = (): AppError =>
  new AppError({
    code: 'signer_not_acknowledged',
    message: 'The sub-account does not acknowledge the signer of this provider',
    hint: 'Nothing was paid. Acknowledge it on chain, then send the task again',
    status: 403,
  })

const nonceUsed = (nonce: bigint): AppError =>
  new AppError({
    code: 'nonce_used',
    message: `The task's number is not above the last one that was settled, ${nonce}`,
    hint: 'Send the task again: its number is made from the clock, which may be wrong',
    status: 409,
  })

const unanswered = (): AppError =>
  new AppError({
    code: 'delivery_unanswered',
    message: 'The last delivery of this provider is not acknowledged',
    hint: 'Download and acknowledge it first: the contract takes one at a time',
    next: '0g-compute finetune download',
    status: 409,
  })
