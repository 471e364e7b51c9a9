import type { Address } from '../../../base/hex.ts'
import type { Owing } from '../../ledger/batches.ts'
import type { Run } from '../run.ts'
import type { Claiming } from './claim.ts'
import { readPayers } from './payers.ts'
import { sendBatch, sendIfAllPaid } from './sendBatch.ts'

/** One transaction settles so many: some 1.7 million gas in a batch, 3 million by vouchers. */
const MAX_ROWS = 200

/** Asks users for what they owe, many in one transaction. */
export async function settleOwing(
  owing: readonly Owing[],
  claiming: Claiming,
  provider: Address,
  run: Run,
): Promise<void> {
  for (let start = 0; start < owing.length; start += MAX_ROWS) {
    const some = owing.slice(start, start + MAX_ROWS)
    // Nearly always the contract would pay all of it, and nobody's account has to be read.
    if (await sendIfAllPaid(some, claiming, provider, run)) continue
    const payers = await readPayers(some, claiming, provider, run)
    if (payers.length > 0) await sendBatch(payers, claiming, provider, run)
  }
}
