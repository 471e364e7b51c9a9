import type { Contract, TransactionReceipt } from 'ethers'
import { type Address, type Hex, sameAddress } from '../../../base/hex.ts'
import type { StoredBatch } from '../../ledger/batches.ts'
import { blockOf } from '../outcome.ts'
import type { Run } from '../run.ts'
import { readTotals } from './readTotals.ts'

const PAID_SHIFT = 128n
const MASK = (1n << PAID_SHIFT) - 1n

/** Writes into the ledger what a mined batch took. A payer who could not cover it owes the rest as before. */
export async function bookBatch(
  { number, payers }: StoredBatch,
  receipt: TransactionReceipt,
  provider: Address,
  { settler, report }: Run,
): Promise<void> {
  const { ledger, contract, accounts, log } = settler
  const txHash = receipt.hash as Hex
  const taken = takenIn(contract, receipt)
  const others = payers.map(({ user }) => user).filter((user) => !taken.has(user))
  const totals = await readTotals(contract, provider, others, receipt.blockNumber)
  for (const [user, { settled }] of taken) totals.set(user, settled)
  for (const { user } of payers) accounts?.invalidate(user)
  await ledger.batches.book(number, totals, { txHash, block: blockOf(receipt) })
  for (const { user, cumulative } of payers) {
    const unsettled = cumulative - (totals.get(user) ?? 0n)
    const paid = taken.get(user)?.paid
    if (paid !== undefined) {
      report.addPayment({ user, nonce: BigInt(number), paid, unsettled, txHash })
      log.info('settlement_paid', { user, number, paid, unsettled, txHash })
    } else if (unsettled > 0n) {
      report.addWaiting(user, 'refused')
      log.warn('settlement_refused', { user, number, unsettled, txHash })
    }
  }
  report.addTransaction(txHash, receipt.gasUsed)
}

/** What each payer was charged, and what batches took of it in all, neuron. @see IBatchSettlement.PayerSettled */
function takenIn(
  contract: Contract,
  receipt: TransactionReceipt,
): Map<Address, { readonly paid: bigint; readonly settled: bigint }> {
  const taken = new Map<Address, { readonly paid: bigint; readonly settled: bigint }>()
  for (const log of receipt.logs) {
    if (!sameAddress(log.address, String(contract.target))) continue
    const event = contract.interface.parseLog(log)
    if (event?.name !== 'PayerSettled') continue
    const { user, paidAndSettled } = event.args
    taken.set(user.toLowerCase(), { paid: paidAndSettled >> PAID_SHIFT, settled: paidAndSettled & MASK })
  }
  return taken
}
