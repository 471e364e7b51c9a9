import type { Contract, TransactionReceipt } from 'ethers'
import type { Hex } from '../../base/hex.ts'
import { prepare } from '../../chain/transaction.ts'
import { type MiningOptions, sendAndMine } from './getMined.ts'

export interface SubmitOptions extends MiningOptions {
  readonly contract: Contract
}

/** A call of the contract. */
export interface Call {
  /** For people. */
  readonly title: string
  readonly method: string
  readonly args: readonly unknown[]
}

/** A transaction that was sent. Without a receipt its outcome is unknown. */
export interface Submitted {
  readonly txHash: Hex
  readonly data: string
  readonly receipt: TransactionReceipt | null
}

/**
 * Sends one transaction. It is signed and its hash noted before it is sent, so that an answer that is lost on the
 * way can be looked up; until it is mined the same bytes are sent again, and after a while the same call for more
 * gas.
 * @throws AppError `transaction_reverted` when the contract refuses the call, `insufficient_funds` for gas,
 * `rpc_unreachable`; nothing was sent then
 */
export async function submit(call: Call, { contract, ...mining }: SubmitOptions): Promise<Submitted> {
  const { operator } = mining
  const { request, gasLimit } = await prepare(operator, { ...call, contract })
  const transaction = await operator.populateTransaction({ ...request, gasLimit })
  const { hash, receipt } = await sendAndMine(transaction, mining)
  return { txHash: hash, data: String(transaction.data), receipt }
}
