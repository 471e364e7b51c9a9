import { type Contract, type Interface, type Log, zeroPadValue } from 'ethers'
import type { Address, Hex } from '../base/hex.ts'
import { isRevert } from './inference.ts'

/** Where a task in escrow stands, in the contract's order. */
export const ESCROW_STATES = ['None', 'Open', 'Delivered', 'Accepted', 'Ended'] as const
export type EscrowState = (typeof ESCROW_STATES)[number]

/** How it ended, in the contract's order. */
export const ESCROW_ENDS = ['NotDelivered', 'Paid', 'NotRevealed', 'Rejected'] as const
export type EscrowEnd = (typeof ESCROW_ENDS)[number]

/** A task in escrow, as the contract has it. Amounts in neuron, times in unix seconds, windows in seconds. */
export interface EscrowTask {
  readonly state: EscrowState
  readonly user: Address
  readonly provider: Address
  readonly signer: Address
  readonly maxFee: bigint
  /** Named by the delivery. */
  readonly fee: bigint
  readonly trainBy: number
  /** 0 before. */
  readonly deliveredAt: number
  readonly ackWindow: number
  readonly revealWindow: number
  readonly modelRoot: Hex
  readonly keyHash: Hex
}

/** What the events of an order tell beyond its state. */
export interface EscrowEnding {
  readonly end: EscrowEnd
  readonly paid: bigint
  readonly returned: bigint
  /** Published when it was paid. */
  readonly encryptedKey: Hex | null
  readonly txHash: Hex
}

/** Whether the contract has orders: the deployed one has none. */
export async function hasTaskEscrow(contract: Contract): Promise<boolean> {
  try {
    await contract.getFunction('taskOf').staticCall(`0x${'0'.repeat(64)}`)
    return true
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'CALL_EXCEPTION' || code === 'BAD_DATA') return false
    throw error
  }
}

/** The task of an order; state `None` before it is opened. @param order its id */
export async function readEscrowTask(contract: Contract, order: Hex): Promise<EscrowTask> {
  const task = await contract.getFunction('taskOf').staticCall(order)
  return {
    state: ESCROW_STATES[Number(task.state)]!,
    user: task.user,
    provider: task.provider,
    signer: task.signer,
    maxFee: task.maxFee,
    fee: task.fee,
    trainBy: Number(task.trainBy),
    deliveredAt: Number(task.deliveredAt),
    ackWindow: Number(task.ackWindow),
    revealWindow: Number(task.revealWindow),
    modelRoot: task.modelRoot,
    keyHash: task.keyHash,
  }
}

/** Ids of the orders of a user that were ever opened. @param fromBlock a block before the first of them */
export async function listOpenedOrders(contract: Contract, user: Address, fromBlock: number): Promise<Hex[]> {
  const topics = [contract.interface.getEvent('TaskOpened')!.topicHash, null, zeroPadValue(user, 32)]
  const logs = await contract.runner!.provider!.getLogs({ address: contract.target, fromBlock, topics })
  return logs.map((log) => log.topics[1] as Hex)
}

/** By when the user may reject; null before the delivery. */
export const rejectByOf = ({ deliveredAt, ackWindow }: EscrowTask): number | null =>
  deliveredAt === 0 ? null : deliveredAt + ackWindow

/** By when the key has to be published; null before the delivery. */
export const revealByOf = (task: EscrowTask): number | null => {
  const rejectBy = rejectByOf(task)
  return rejectBy === null ? null : rejectBy + task.revealWindow
}

/** From when on anyone may have everything returned; null when that can no longer, or not yet, be. */
export function refundableFrom(task: EscrowTask): number | null {
  if (task.state === 'Open') return task.trainBy + 1
  if (task.state === 'Delivered' || task.state === 'Accepted') return revealByOf(task)! + 1
  return null
}

/**
 * How an order ended, with the key if it was published; null while it has not.
 * @param fromBlock a block before the order was opened
 */
export async function readEscrowEnding(
  contract: Contract,
  order: Hex,
  fromBlock: number,
): Promise<EscrowEnding | null> {
  const topics = ['TaskEnded', 'TaskKeyPublished'].map((name) => contract.interface.getEvent(name)!.topicHash)
  const provider = contract.runner!.provider!
  const logs = await provider.getLogs({ address: contract.target, fromBlock, topics: [topics, order] })
  const events = logs.map((log) => parse(contract.interface, log))
  const ended = events.find((event) => event.name === 'TaskEnded')
  if (!ended) return null
  const key = events.find((event) => event.name === 'TaskKeyPublished')
  return {
    end: ESCROW_ENDS[Number(ended.args.end)]!,
    paid: ended.args.paid,
    returned: ended.args.returned,
    encryptedKey: key ? key.args.encryptedKey : null,
    txHash: ended.txHash,
  }
}

/** Whether a call failed because the task is in another state by now: somebody else was first. */
export const isOtherState = (error: unknown): boolean => isRevert(error, 'TaskNotInState')

function parse(abi: Interface, log: Log) {
  const event = abi.parseLog(log)!
  return { name: event.name, args: event.args, txHash: log.transactionHash as Hex }
}
