import type { Provider } from 'ethers'
import type { Hex } from '../../base/hex.ts'
import { hasBatches, readSettled } from '../../chain/batches.ts'
import { findAccount } from '../../chain/inference.ts'
import type { StoredSettlement } from '../ledger/settlements.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import type { Booking } from './booking.ts'
import { byTransaction } from './byTransaction.ts'
import { type MiningOptions, mineSent } from './getMined.ts'
import type { SettlerOptions } from './options.ts'
import { blockOf, findOutcome, resultsOf } from './outcome.ts'
import { accountFault } from './preflight.ts'
import type { ReportBuilder } from './report.ts'

export interface ReconcileOptions {
  readonly settler: SettlerOptions
  readonly provider: Provider
  readonly booking: Booking
  readonly report: ReportBuilder
  readonly mining: Omit<MiningOptions, 'beforeSend'>
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
  { settler, provider, booking, report, mining }: ReconcileOptions,
): Promise<StoredSettlement[]> {
  const rest = open.filter(({ txHash }) => txHash === null)
  for (const [txHash, carried] of byTransaction(open)) {
    const sent = await provider.getTransaction(txHash)
    if (!sent) {
      rest.push(...carried)
      continue
    }
    const receipt = await mineSent(sent, {
      ...mining,
      beforeSend: (hash) => settler.ledger.settlements.markSent(keysOf(carried), hash),
    })
    if (!receipt) {
      for (const { entry } of carried) report.addWaiting(entry.user, 'outcome_unknown')
      continue
    }
    const hash = receipt.hash as Hex
    rest.push(...(await booking.apply(carried, await resultsOf(provider, settler.contract, hash), hash)))
  }
  return rest
}

/** Then what the account's nonce says, whichever transaction moved it. */
async function canBeSentAgain(settlement: StoredSettlement, options: ReconcileOptions): Promise<boolean> {
  const { settler, report } = options
  const { user, provider, nonce } = settlement.entry
  const account = await findAccount(settler.contract, user, provider)
  if (account && account.nonce < nonce) {
    if (await isOvertaken(settlement, options)) return false
    const fault = accountFault(account)
    if (fault) report.addWaiting(user, fault)
    return fault === null
  }
  await bookOutcome(settlement, options, account === null)
  return false
}

/** An account that batches or vouchers have taken from takes no difference any more: the amount is in its total. */
async function isOvertaken({ entry }: StoredSettlement, { settler }: ReconcileOptions): Promise<boolean> {
  const { contract, ledger, log } = settler
  const { user, provider, nonce } = entry
  if (!(await hasBatches(contract))) return false
  if ((await readSettled(contract, user, provider)).mode === 'none') return false
  await ledger.settlements.markVoid({ user, nonce })
  log.warn('settlement_overtaken', { user, nonce })
  return true
}

/** The nonce is used up, or the account is gone: only the logs can tell who used it. */
async function bookOutcome(
  settlement: StoredSettlement,
  { settler, provider, booking, report, mining }: ReconcileOptions,
  isAccountGone: boolean,
): Promise<void> {
  const { user, nonce } = settlement.entry
  const outcome = await findOutcome(provider, settler.contract, settlement)
  if (outcome.kind === 'unknown') {
    report.addWaiting(user, isAccountGone ? 'account_missing' : 'outcome_unknown')
    settler.log.warn('settlement_unknown', { user, nonce, isAccountGone })
    return
  }
  const hash = outcome.txHash
  const receipt = await awaitReceipt(provider, { ...mining, hash })
  if (!receipt) {
    report.addWaiting(user, 'outcome_unknown')
    return
  }
  if (outcome.kind === 'taken') await booking.taken(outcome.result, hash, blockOf(receipt))
  else await booking.replaced(settlement, outcome.nonce, hash)
}

const keysOf = (settlements: readonly StoredSettlement[]) => settlements.map(({ entry }) => entry)
