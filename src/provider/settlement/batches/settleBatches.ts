import type { Address } from '../../../base/hex.ts'
import { epochOfNumber } from '../../../protocol/batch.ts'
import { serviceFault } from '../preflight.ts'
import { raiseEpoch } from '../raiseEpoch.ts'
import type { Run } from '../run.ts'
import { BY_BATCH } from './byBatch.ts'
import { followUp } from './followUp.ts'
import { settleOwing } from './settleOwing.ts'

/**
 * Settlement by totals, with `settleBatch`. Each run reads what the chain took and asks for the rest: whatever was
 * lost, sent twice, taken back by a reorganisation or settled by another replica, the contract pays each neuron
 * once, and the next run finds what is left.
 */
export async function settleBatches(run: Run): Promise<void> {
  const { settler, minimum, report } = run
  const { ledger, contract, operator, tee } = settler
  if (!(await followUp(run))) return
  const owing = await ledger.batches.owing(minimum)
  if (owing.length === 0) return

  const provider = (await operator.getAddress()) as Address
  const fault = await serviceFault(contract, provider, tee.signer)
  if (fault) {
    for (const { user } of owing) report.addWaiting(user, fault)
    return
  }
  // A reorganisation may have taken it back.
  const epoch = epochOfNumber(await ledger.numbers.last())
  await raiseEpoch({ ...run.mining, contract, provider, epoch, log: settler.log })
  await settleOwing(owing, BY_BATCH, provider, run)
}
