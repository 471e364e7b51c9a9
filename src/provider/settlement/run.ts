import type { Provider } from 'ethers'
import { AppError, toAppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { StoredSettlement } from '../ledger/ledger.ts'
import { Booking } from './booking.ts'
import { readResults } from './calldata.ts'
import type { Deadline } from './deadline.ts'
import type { MiningOptions } from './getMined.ts'
import type { SettlerOptions } from './options.ts'
import { blockOf } from './outcome.ts'
import { serviceFault } from './preflight.ts'
import { recheckPayments } from './recheck.ts'
import { reconcile } from './reconcile.ts'
import { ReportBuilder, type SettlementReport } from './report.ts'
import { renewSignatures, signDue } from './sign.ts'
import { submit } from './submit.ts'

/** What the contract takes in one transaction. */
const MAX_ENTRIES = 50

export interface RunOptions {
  /** Neuron; who owes, or can pay, less waits. */
  readonly minimum: bigint
  /** Later nothing is waited for. */
  readonly deadline: Deadline
  readonly pollMs: number
  readonly bumpAfterMs: number
}

/** What every part of a run needs. */
interface Run {
  readonly settler: SettlerOptions
  readonly provider: Provider
  readonly minimum: bigint
  readonly mining: Omit<MiningOptions, 'beforeSend'>
  readonly report: ReportBuilder
  readonly booking: Booking
}

/**
 * One settlement from end to end. Never throws: what ended it early is in the report, and nothing is lost. Does
 * nothing while another replica settles.
 */
export async function runSettlement(
  settler: SettlerOptions,
  { minimum, ...waiting }: RunOptions,
): Promise<SettlementReport> {
  const report = new ReportBuilder()
  const { operator, confirmations } = settler
  const mining = { operator, confirmations, ...waiting }
  const booking = new Booking(settler, report)
  try {
    const turn = await settler.ledger.takeTurn()
    if (!turn) return report.build(null)
    try {
      await settle({ settler, provider: operator.provider!, minimum, mining, report, booking })
    } finally {
      await turn.end()
    }
    return report.build(null)
  } catch (error) {
    return report.build(toAppError(error))
  }
}

async function settle(run: Run): Promise<void> {
  const { settler, provider, report } = run
  const { ledger, contract, operator, tee, log } = settler
  await recheckPayments(ledger, provider, log)
  const before = await ledger.openSettlements()
  if (before.length === 0 && (await ledger.due(run.minimum)).length === 0) return
  const owner = (await operator.getAddress()) as Address
  const signing = { settler, provider: owner, contract: (await contract.getAddress()) as Address, report }
  await renewSignatures(before, signing)
  const again = await reconcile(await ledger.openSettlements(), run)

  const fault = await serviceFault(contract, owner, tee.signer)
  if (fault) {
    const waiting = [...again.map(({ entry }) => entry), ...(await ledger.due(run.minimum))]
    for (const { user } of waiting) report.addWaiting(user, fault)
    return
  }
  const fromBlock = await provider.getBlockNumber()
  const fresh = await signDue({ ...signing, fromBlock, minimum: run.minimum })
  if (fresh.length > 0) await ledger.storeSettlements(fresh)
  const wanted = new Set([...again, ...fresh].map(({ entry }) => keyOf(entry)))
  const open = (await ledger.openSettlements()).filter(({ entry }) => wanted.has(keyOf(entry)))
  for (let start = 0; start < open.length; start += MAX_ENTRIES) {
    await sendBatch(open.slice(start, start + MAX_ENTRIES), run)
  }
}

const keyOf = ({ user, nonce }: { readonly user: Address; readonly nonce: bigint }): string =>
  `${user} ${nonce}`

/** Sends a batch; one that the contract refuses as a whole is halved until the entry at fault stands alone. */
async function sendBatch(batch: readonly StoredSettlement[], run: Run): Promise<void> {
  try {
    await sendOnce(batch, run)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'transaction_reverted') throw error
    if (batch.length === 1) {
      const { user, nonce } = batch[0]!.entry
      run.report.addWaiting(user, 'refused')
      run.settler.log.error('settlement_reverts', { user, nonce, reason: error.message })
      return
    }
    const middle = Math.ceil(batch.length / 2)
    await sendBatch(batch.slice(0, middle), run)
    await sendBatch(batch.slice(middle), run)
  }
}

async function sendOnce(batch: readonly StoredSettlement[], run: Run): Promise<void> {
  const { settler, report, booking, mining } = run
  const { contract, ledger, log } = settler
  const entries = batch.map(({ entry }) => entry)
  const { txHash, data, receipt } = await submit(entries, {
    ...mining,
    contract,
    beforeSend: (hash) => ledger.markSent(entries, hash),
  })
  if (!receipt) {
    for (const { user } of entries) report.addWaiting(user, 'outcome_unknown')
    log.warn('settlement_unknown', { txHash, entries: entries.length })
    return
  }
  const results = await readResults(contract, { data, logs: receipt.logs })
  const mined = results && { results, block: blockOf(receipt) }
  const refused = await booking.apply(batch, mined, txHash)
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
