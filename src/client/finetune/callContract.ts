import type { Contract, TransactionReceipt } from 'ethers'
import { prepare, send } from '../../chain/transaction.ts'
import { requireAccount, type Session } from '../session.ts'

/**
 * Sends a call to the session's contract, from the user's wallet.
 * @throws AppError `insufficient_funds`, `transaction_reverted`, `transaction_unknown`
 */
export async function callContract(
  session: Session,
  title: string,
  method: string,
  args: readonly unknown[],
): Promise<TransactionReceipt> {
  const signer = await requireAccount(session).signer(session.rpc)
  const contract = session.inference.connect(signer) as Contract
  return send(signer, await prepare(signer, { title, contract, method, args }))
}
