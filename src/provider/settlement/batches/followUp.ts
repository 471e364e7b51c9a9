import type { Address, Hex } from '../../../base/hex.ts'
import type { StoredBatch } from '../../ledger/batches.ts'
import { mineSent } from '../getMined.ts'
import { FINAL_BLOCKS } from '../recheck.ts'
import type { Run } from '../run.ts'
import { bookBatch } from './bookBatch.ts'
import { readTotals } from './readTotals.ts'

/**
 * Finds out what became of earlier batches, perhaps of a process that died.
 * @returns false while the transaction of one is out and not mined: another would wait behind it
 */
export async function followUp(run: Run): Promise<boolean> {
  const { settler } = run
  const provider = (await settler.operator.getAddress()) as Address
  let isClear = true
  for (const batch of await settler.ledger.batches.unfinished()) {
    if (batch.state === 'done') await recheck(batch, provider, run)
    else if (!(await finish(batch, provider, run))) isClear = false
  }
  return isClear
}

async function finish(batch: StoredBatch, owner: Address, run: Run): Promise<boolean> {
  const { settler, provider, mining, report } = run
  const { batches } = settler.ledger
  const sent = batch.txHash && (await provider.getTransaction(batch.txHash))
  if (!sent) {
    // If it is mined all the same, the accounts say so.
    await batches.markVoid(batch.number)
    return true
  }
  const beforeSend = (hash: Hex) => batches.markSent(batch.number, hash)
  const receipt = await mineSent(sent, { ...mining, beforeSend })
  if (receipt) await bookBatch(batch, receipt, owner, run)
  else for (const { user } of batch.payers) report.addWaiting(user, 'outcome_unknown')
  return receipt !== null
}

/** A block that is no longer there took its payments with it: the accounts say what is left of them. */
async function recheck(
  { number, payers, block }: StoredBatch,
  owner: Address,
  { settler, provider }: Run,
): Promise<void> {
  const { ledger, contract, accounts, log } = settler
  const head = await provider.getBlock('latest')
  // A node that lags behind knows nothing of the block, and proves nothing.
  if (!head?.hash || !block || block.number > head.number) return
  const found = await provider.getBlock(block.number)
  if (found?.hash === block.hash) {
    if (head.number - block.number >= FINAL_BLOCKS) await ledger.batches.markFinal(number)
    return
  }
  const users = payers.map(({ user }) => user)
  const totals = await readTotals(contract, owner, users, head.number)
  for (const user of users) accounts?.invalidate(user)
  await ledger.batches.rebook(number, totals, { number: head.number, hash: head.hash as Hex })
  log.warn('settlement_reorganised', { number, payers: payers.length })
}
