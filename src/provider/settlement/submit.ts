import { type Contract, isError, keccak256, type Signer, type TransactionReceipt } from 'ethers'
import type { Hex } from '../../base/hex.ts'
import type { TeeSettlementEntry } from '../../chain/inference.ts'
import { prepare } from '../../chain/transaction.ts'
import { awaitReceipt } from './awaitReceipt.ts'

export interface SubmitOptions {
  readonly operator: Signer
  readonly contract: Contract
  readonly confirmations: number
  readonly deadline: number
  readonly pollMs: number
  /** Called with the hash before the first byte is sent. */
  readonly beforeSend: (txHash: Hex) => Promise<void>
}

/** A transaction that was sent. Without a receipt its outcome is unknown. */
export interface Submitted {
  readonly txHash: Hex
  readonly data: string
  readonly receipt: TransactionReceipt | null
}

/**
 * Sends entries in one transaction. It is signed and its hash noted before it is sent, so that an answer that
 * is lost on the way can be looked up; until it is mined the same bytes are sent again.
 * @throws AppError `transaction_reverted` when the contract refuses the batch as a whole, `insufficient_funds`
 * for gas, `rpc_unreachable`; nothing was sent then
 */
export async function submit(
  entries: readonly TeeSettlementEntry[],
  { operator, contract, beforeSend, ...waiting }: SubmitOptions,
): Promise<Submitted> {
  const title = `settle the fees of ${entries.length} users`
  const call = { title, contract, method: 'settleFeesWithTEE', args: [entries] }
  const { request, gasLimit } = await prepare(operator, call)
  const transaction = await operator.populateTransaction({ ...request, gasLimit })
  const raw = await operator.signTransaction(transaction)
  const txHash = keccak256(raw) as Hex
  await beforeSend(txHash)
  const provider = operator.provider!
  const broadcast = (): Promise<boolean> =>
    provider.broadcastTransaction(raw).then(
      () => true,
      (error: unknown) => mayStillBeMined(error),
    )
  await broadcast()
  const receipt = await awaitReceipt(provider, { hash: txHash, ...waiting, rebroadcast: broadcast })
  return { txHash, data: String(transaction.data), receipt }
}

/** An answer that was lost, or "already known", leaves it open; a nonce that is used up does not. */
const mayStillBeMined = (error: unknown): boolean =>
  !isError(error, 'NONCE_EXPIRED') && !isError(error, 'INSUFFICIENT_FUNDS')
