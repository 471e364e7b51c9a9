import type { Hex } from '../../base/hex.ts'
import type { BlockRef, StoredSettlement } from '../ledger/settlements.ts'
import { type EntryResult, isSameEntry, isTaken, paidOf } from './calldata.ts'
import type { SettlerOptions } from './options.ts'
import type { MinedResults } from './outcome.ts'
import type { ReportBuilder } from './report.ts'

/** Writes into the ledger what the chain answered. */
export class Booking {
  readonly #options: SettlerOptions
  readonly #report: ReportBuilder

  constructor(options: SettlerOptions, report: ReportBuilder) {
    this.#options = options
    this.#report = report
  }

  /**
   * Books what a transaction did with these entries.
   * @returns the entries that it did not take
   */
  async apply(
    open: readonly StoredSettlement[],
    mined: MinedResults | null,
    txHash: Hex,
  ): Promise<StoredSettlement[]> {
    if (!mined) return [...open]
    const { results, block } = mined
    const rest: StoredSettlement[] = []
    for (const settlement of open) {
      const result = results.find(({ entry }) => isSameEntry(entry, settlement.entry))
      if (result && isTaken(result)) await this.taken(result, txHash, block)
      else rest.push(settlement)
      if (result && !isTaken(result)) this.#refused(result, txHash)
    }
    return rest
  }

  /** The chain took the entry: what it paid is paid, what it did not pay stays owed. */
  async taken(result: EntryResult, txHash: Hex, block: BlockRef): Promise<void> {
    const { ledger, accounts, log } = this.#options
    const { user, nonce } = result.entry
    const paid = paidOf(result)
    accounts?.invalidate(user)
    await ledger.settlements.markDone({ user, nonce }, paid, txHash, block)
    this.#report.addPayment({ user, nonce, paid, unsettled: result.unsettled, txHash })
    log.info('settlement_paid', { user, nonce, paid, unsettled: result.unsettled, txHash })
  }

  /** Another entry used the nonce up: the amount is owed again. */
  async replaced({ entry: { user, nonce } }: StoredSettlement, by: bigint, txHash: Hex): Promise<void> {
    await this.#options.ledger.settlements.markVoid({ user, nonce })
    this.#options.log.error('settlement_replaced', { user, nonce, by, txHash })
  }

  /** The entry stays as it is: its nonce is unused, and the same bytes are good once the cause is gone. */
  #refused({ entry: { user, nonce }, status }: EntryResult, txHash: Hex): void {
    this.#report.addWaiting(user, 'refused')
    const isAlarm = status === 'INVALID_SIGNATURE' || status === 'INVALID_NONCE'
    this.#options.log[isAlarm ? 'error' : 'warn']('settlement_refused', { user, nonce, status, txHash })
  }
}
