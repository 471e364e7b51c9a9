import { AppError, toAppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { StoredSettlement } from '../ledger/ledger.ts'
import { Booking } from './booking.ts'
import { readResults } from './calldata.ts'
import type { SettlerOptions } from './options.ts'
import { serviceFault } from './preflight.ts'
import { reconcile } from './reconcile.ts'
import { ReportBuilder, type SettlementReport } from './report.ts'
import { renewSignatures, signDue } from './sign.ts'
import { submit } from './submit.ts'

/** What the contract takes in one transaction. */
const MAX_ENTRIES = 50

export interface RunOptions {
  /** Neuron; who owes, or can pay, less waits. */
  readonly minimum: bigint
  /** ms since the epoch; later nothing is waited for. */
  readonly deadline: number
  readonly pollMs: number
}

/** One settlement from end to end. Never throws: what ended it early is in the report, and nothing is lost. */
export async function runSettlement(settler: SettlerOptions, run: RunOptions): Promise<SettlementReport> {
  const report = new ReportBuilder()
  try {
    await settle(settler, run, report)
    return report.build(null)
  } catch (error) {
    return report.build(toAppError(error))
  }
}

async function settle(settler: SettlerOptions, run: RunOptions, report: ReportBuilder): Promise<void> {
  const { ledger, operator, contract, tee } = settler
  if (ledger.openSettlements().length === 0 && ledger.due(run.minimum).length === 0) return
  const provider = (await operator.getAddress()) as Address
  const signing = { settler, provider, contract: (await contract.getAddress()) as Address, report }
  const booking = new Booking(settler, report)
  await renewSignatures(ledger.openSettlements(), signing)
  const waiting = { settler, provider: operator.provider!, booking, report, ...run }
  const again = await reconcile(ledger.openSettlements(), waiting)

  const fault = await serviceFault(contract, provider, tee.signer)
  const due = ledger.due(run.minimum)
  if (fault) {
    for (const { user } of [...again.map(({ entry }) => entry), ...due]) report.addWaiting(user, fault)
    return
  }
  const fromBlock = await operator.provider!.getBlockNumber()
  const fresh = await signDue(due, { ...signing, fromBlock, minimum: run.minimum })
  if (fresh.length > 0) await ledger.storeSettlements(fresh)
  const nonces = new Map([...again, ...fresh].map(({ entry }) => [entry.user, entry.nonce]))
  const open = ledger.openSettlements().filter(({ entry }) => nonces.get(entry.user) === entry.nonce)
  for (let start = 0; start < open.length; start += MAX_ENTRIES) {
    await sendBatch(open.slice(start, start + MAX_ENTRIES), { settler, run, report, booking })
  }
}

interface Sending {
  readonly settler: SettlerOptions
  readonly run: RunOptions
  readonly report: ReportBuilder
  readonly booking: Booking
}

/** Sends a batch; one that the contract refuses as a whole is halved until the entry at fault stands alone. */
async function sendBatch(batch: readonly StoredSettlement[], sending: Sending): Promise<void> {
  try {
    await sendOnce(batch, sending)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'transaction_reverted') throw error
    if (batch.length === 1) {
      const { user, nonce } = batch[0]!.entry
      sending.report.addWaiting(user, 'refused')
      sending.settler.log.error('settlement_reverts', { user, nonce, reason: error.message })
      return
    }
    const middle = Math.ceil(batch.length / 2)
    await sendBatch(batch.slice(0, middle), sending)
    await sendBatch(batch.slice(middle), sending)
  }
}

async function sendOnce(
  batch: readonly StoredSettlement[],
  { settler, run, report, booking }: Sending,
): Promise<void> {
  const { operator, contract, confirmations, ledger, log } = settler
  const entries = batch.map(({ entry }) => entry)
  const { txHash, data, receipt } = await submit(entries, {
    operator,
    contract,
    confirmations,
    deadline: run.deadline,
    pollMs: run.pollMs,
    beforeSend: (hash) => ledger.markSent(entries, hash),
  })
  if (!receipt) {
    for (const { user } of entries) report.addWaiting(user, 'outcome_unknown')
    log.warn('settlement_unknown', { txHash, entries: entries.length })
    return
  }
  const results = await readResults(contract, { data, logs: receipt.logs })
  const refused = await booking.apply(batch, results ?? [], txHash)
  await reconcile(withoutTransaction(refused), {
    settler,
    provider: operator.provider!,
    booking,
    report,
    ...run,
  })
  if (!results) {
    for (const { user } of entries) report.addWaiting(user, 'refused')
    log.error('settlement_without_results', { txHash, status: receipt.status ?? -1 })
  }
  report.addTransaction(txHash, receipt.gasUsed)
}

/** Their transaction has answered; what is left to ask is whether an earlier one took them. */
const withoutTransaction = (settlements: readonly StoredSettlement[]): StoredSettlement[] =>
  settlements.map((settlement) => ({ ...settlement, txHash: null }))
