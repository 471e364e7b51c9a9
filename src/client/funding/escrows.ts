import type { Address, Hex } from '../../base/hex.ts'
import { fineTuningContract } from '../../chain/fineTuning.ts'
import {
  type EscrowState,
  type EscrowTask,
  hasTaskEscrow,
  listOpenedOrders,
  readEscrowTask,
  refundableFrom,
  rejectByOf,
  revealByOf,
} from '../../chain/taskEscrow.ts'
import { requireAccount, type Session } from '../session.ts'

/** A fine-tuning order as this machine remembers it. */
export interface KnownOrder {
  readonly order: Hex | null
  /** The broker's id of the task. */
  readonly taskId: string | null
}

/** The fee of a fine-tuning task that has not come to its end, neuron. Times in unix seconds of the chain. */
export interface EscrowStatus {
  readonly order: Hex
  /** The broker's id of the task; null where this machine does not know it. */
  readonly task: string | null
  readonly provider: Address
  readonly state: EscrowState
  /** Set aside: the fee, and what is left of it comes back. */
  readonly amount: bigint
  /** By when it has to be delivered, accepted or rejected, or its key published: what its state waits for. */
  readonly deadline: number
  /** From when on anyone may have all of it returned, if that did not happen. */
  readonly refundableFrom: number
}

const OPEN: readonly EscrowState[] = ['Open', 'Delivered', 'Accepted']

/** Fees in escrow: of the tasks that this machine knows, and of all that the chain's events name. */
export async function readEscrows(session: Session, known: readonly KnownOrder[]): Promise<EscrowStatus[]> {
  const { network, rpc } = session
  const contract = fineTuningContract(network.fineTuning, rpc)
  if (!(await hasTaskEscrow(contract))) return []
  const user = requireAccount(session).address
  // Where the node refuses so long a range, what is known here has to do.
  const opened = await listOpenedOrders(contract, user, network.deployedAt ?? 0).catch(() => [])
  const tasks = new Map<Hex, string | null>(opened.map((order) => [order, null]))
  for (const { order, taskId } of known) if (order !== null) tasks.set(order, taskId)
  const found = await Promise.all(
    [...tasks].map(async ([order, task]) => statusOf(order, task, await readEscrowTask(contract, order))),
  )
  return found.filter((status) => OPEN.includes(status.state))
}

function statusOf(order: Hex, task: string | null, escrow: EscrowTask): EscrowStatus {
  const { provider, state, maxFee, trainBy } = escrow
  const deadline = { Delivered: rejectByOf(escrow), Accepted: revealByOf(escrow) }[state as string] ?? trainBy
  const from = refundableFrom(escrow) ?? deadline
  return { order, task, provider, state, amount: maxFee, deadline, refundableFrom: from }
}
