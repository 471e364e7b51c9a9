import type { Provider } from 'ethers'
import type { Hex } from '../../base/hex.ts'
import { findAccount } from '../../chain/inference.ts'
import type { StoredSettlement } from '../ledger/ledger.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import type { Booking } from './booking.ts'
import type { SettlerOptions } from './options.ts'
import { findOutcome, resultsOf } from './outcome.ts'
import { accountFault } from './preflight.ts'
import type { ReportBuilder } from './report.ts'

export interface ReconcileOptions {
  readonly settler: SettlerOptions
  readonly provider: Provider
  readonly booking: Booking
  readonly report: ReportBuilder
  readonly deadline: number
  readonly pollMs: number
}

/**
 * Finds out what became of settlements that were stored earlier, perhaps by a process that died, and books it.
 * @returns those that the chain can still take and pay: to be sent again as the same bytes
 */
export async function reconcile(
  open: readonly StoredSettlement[],
  options: ReconcileOptions,
): Promise<StoredSettlement[]> {
  const unsettled = await afterTheirTransactions(open, options)
  const again: StoredSettlement[] = []
  for (const settlement of unsettled) {
    if (await canBeSentAgain(settlement, options)) again.push(settlement)
  }
  return again
}

/** First what is known by hash: mined, still waiting to be mined, or gone. */
async function afterTheirTransactions(
  open: readonly StoredSettlement[],
  { settler, provider, booking, report, deadline, pollMs }: ReconcileOptions,
): Promise<StoredSettlement[]> {
  const rest = open.filter(({ txHash }) => txHash === null)
  for (const [txHash, carried] of byTransaction(open)) {
    if (!(await provider.getTransaction(txHash))) {
      rest.push(...carried)
      continue
    }
    const { confirmations } = settler
    const receipt = await awaitReceipt(provider, { hash: txHash, confirmations, deadline, pollMs })
    if (!receipt) {
      for (const { entry } of carried) report.addWaiting(entry.user, 'outcome_unknown')
      continue
    }
    const results = await resultsOf(provider, settler.contract, txHash)
    rest.push(...(await booking.apply(carried, results ?? [], txHash)))
  }
  return rest
}

/** Then what the account's nonce says, whichever transaction moved it. */
async function canBeSentAgain(settlement: StoredSettlement, options: ReconcileOptions): Promise<boolean> {
  const { settler, report } = options
  const { user, provider, nonce } = settlement.entry
  const account = await findAccount(settler.contract, user, provider)
  if (account && account.nonce < nonce) {
    const fault = accountFault(account)
    if (fault) report.addWaiting(user, fault)
    return fault === null
  }
  await bookOutcome(settlement, options, account === null)
  return false
}

/** The nonce is used up, or the account is gone: only the logs can tell who used it. */
async function bookOutcome(
  settlement: StoredSettlement,
  { settler, provider, booking, report, deadline, pollMs }: ReconcileOptions,
  isAccountGone: boolean,
): Promise<void> {
  const { user, nonce } = settlement.entry
  const outcome = await findOutcome(provider, settler.contract, settlement)
  if (outcome.kind === 'unknown') {
    report.addWaiting(user, isAccountGone ? 'account_missing' : 'outcome_unknown')
    settler.log.warn('settlement_unknown', { user, nonce, isAccountGone })
    return
  }
  const { confirmations } = settler
  const hash = outcome.txHash
  if (!(await awaitReceipt(provider, { hash, confirmations, deadline, pollMs }))) {
    report.addWaiting(user, 'outcome_unknown')
    return
  }
  if (outcome.kind === 'taken') await booking.taken(outcome.result, hash)
  else await booking.replaced(settlement, outcome.nonce, hash)
}

function byTransaction(open: readonly StoredSettlement[]): Map<Hex, StoredSettlement[]> {
  const groups = new Map<Hex, StoredSettlement[]>()
  for (const settlement of open) {
    if (settlement.txHash === null) continue
    groups.set(settlement.txHash, [...(groups.get(settlement.txHash) ?? []), settlement])
  }
  return groups
}
