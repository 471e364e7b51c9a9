import { counted } from '../../base/counted.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { StoredSettlement } from '../ledger/settlements.ts'
import { readResults } from './calldata.ts'
import { blockOf } from './outcome.ts'
import { serviceFault } from './preflight.ts'
import { recheckPayments } from './recheck.ts'
import { reconcile } from './reconcile.ts'
import type { Run } from './run.ts'
import { renewSignatures, signDue } from './sign.ts'
import { submit } from './submit.ts'

/** What the contract takes in one transaction. */
const MAX_ENTRIES = 50

/**
 * Settlement by differences, with `settleFeesWithTEE` of the deployed contract: each entry is stored before it is
 * sent, and sent again as the same bytes until the chain has answered.
 * @param signsNew false where accounts are settled by batches: then only what was signed before is brought to its end
 */
export async function settleDeltas(run: Run, signsNew: boolean): Promise<void> {
  const { settler, provider, report } = run
  const { ledger, contract, operator, tee, log } = settler
  await recheckPayments(ledger, provider, log)
  const before = await ledger.settlements.open()
  const dueNow = async () => (signsNew ? ledger.settlements.due(run.minimum) : [])
  if (before.length === 0 && (await dueNow()).length === 0) return
  const owner = (await operator.getAddress()) as Address
  const signing = { settler, provider: owner, contract: (await contract.getAddress()) as Address, report }
  await renewSignatures(before, signing)
  const again = await reconcile(await ledger.settlements.open(), run)

  const fault = await serviceFault(contract, owner, tee.signer)
  if (fault) {
    const waiting = [...again.map(({ entry }) => entry), ...(await dueNow())]
    for (const { user } of waiting) report.addWaiting(user, fault)
    return
  }
  const fromBlock = await provider.getBlockNumber()
  const fresh = signsNew ? await signDue({ ...signing, fromBlock, minimum: run.minimum }) : []
  if (fresh.length > 0) await ledger.settlements.store(fresh)
  const wanted = new Set([...again, ...fresh].map(({ entry }) => keyOf(entry)))
  const open = (await ledger.settlements.open()).filter(({ entry }) => wanted.has(keyOf(entry)))
  for (let start = 0; start < open.length; start += MAX_ENTRIES) {
    await sendGroup(open.slice(start, start + MAX_ENTRIES), run)
  }
}

const keyOf = ({ user, nonce }: { readonly user: Address; readonly nonce: bigint }): string =>
  `${user} ${nonce}`

/** Sends some of them; a group that the contract refuses as a whole is halved until the entry at fault stands alone. */
async function sendGroup(group: readonly StoredSettlement[], run: Run): Promise<void> {
  try {
    await sendOnce(group, run)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'transaction_reverted') throw error
    if (group.length === 1) {
      const { user, nonce } = group[0]!.entry
      run.report.addWaiting(user, 'refused')
      run.settler.log.error('settlement_reverts', { user, nonce, reason: error.message })
      return
    }
    const middle = Math.ceil(group.length / 2)
    await sendGroup(group.slice(0, middle), run)
    await sendGroup(group.slice(middle), run)
  }
}

async function sendOnce(group: readonly StoredSettlement[], run: Run): Promise<void> {
  const { settler, report, booking, mining } = run
  const { contract, ledger, log } = settler
  const entries = group.map(({ entry }) => entry)
  const title = `settle the fees of ${counted(entries.length, 'user')}`
  const { txHash, data, receipt } = await submit(
    { title, method: 'settleFeesWithTEE', args: [entries] },
    { ...mining, contract, beforeSend: (hash) => ledger.settlements.markSent(entries, hash) },
  )
  if (!receipt) {
    for (const { user } of entries) report.addWaiting(user, 'outcome_unknown')
    log.warn('settlement_unknown', { txHash, entries: entries.length })
    return
  }
  const results = await readResults(contract, { data, logs: receipt.logs })
  const mined = results && { results, block: blockOf(receipt) }
  const refused = await booking.apply(group, mined, txHash)
  await reconcile(withoutTransaction(refused), run)
  if (!results) {
    for (const { user } of entries) report.addWaiting(user, 'refused')
    log.error('settlement_without_results', { txHash, status: receipt.status ?? -1 })
  }
  report.addTransaction(txHash, receipt.gasUsed)
}

/** Their transaction has answered; what is left to ask is whether an earlier one took them. */
const withoutTransaction = (settlements: readonly StoredSettlement[]): StoredSettlement[] =>
  settlements.map((settlement) => ({ ...settlement, txHash: null }))
