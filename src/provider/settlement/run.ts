import type { Provider } from 'ethers'
import { toAppError } from '../../base/errors.ts'
import { hasBatches } from '../../chain/batches.ts'
import { settleBatches } from './batches/settleBatches.ts'
import { Booking } from './booking.ts'
import type { Deadline } from './deadline.ts'
import { settleDeltas } from './deltas.ts'
import type { MiningOptions } from './getMined.ts'
import type { SettlerOptions } from './options.ts'
import { ReportBuilder, type SettlementReport } from './report.ts'
import { settleVouchers } from './vouchers/settleVouchers.ts'

export interface RunOptions {
  /** Neuron; who owes, or can pay, less waits. */
  readonly minimum: bigint
  /** Later nothing is waited for. */
  readonly deadline: Deadline
  readonly pollMs: number
  readonly bumpAfterMs: number
}

/** What every part of a run needs. */
export interface Run {
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

/** Where the contract takes totals, differences that were signed before come to their end first, and none is new. */
async function settle(run: Run): Promise<void> {
  if (run.settler.tee.kind === 'none') return settleVouchers(run)
  const byBatches = await hasBatches(run.settler.contract)
  await settleDeltas(run, !byBatches)
  if (byBatches) await settleBatches(run)
}
