import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { accountOf } from '../../src/client/receipts/receiptStore.ts'
import { sqliteReceiptStore } from '../../src/client/receipts/sqliteReceiptStore.ts'
import { lastSeqWithoutGap, tallyReceipts } from '../../src/client/receipts/tally.ts'
import { receiptFromJson } from '../../src/protocol/receipt.ts'
import { proofOf } from '../../test/unit/attestation/honest.ts'
import { measured } from './measured.ts'

/**
 * `node bench/scale/audit.ts N DIR fill` keeps N receipts; the same without `fill` does what an audit does with what
 * is kept: finds how far there is no gap, then reads them all for sums, gaps and contradictions.
 */
const [, , n, dir, mode] = process.argv
const count = Number(n)
const folder = join(dir as string, String(count))
const template = receiptFromJson(proofOf({}).receipt)
const store = sqliteReceiptStore(folder)
if (mode === 'fill') {
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true })
  await measured(async () => {
    for (let start = 0; start < count; start += 5000) {
      const size = Math.min(5000, count - start)
      await store.addAll(
        Array.from({ length: size }, (_, i) => {
          const seq = start + i + 1
          const receipt = { ...template.receipt, seq, fee: 100n, cumulative: 100n * BigInt(seq) }
          return {
            signed: { ...template, receipt },
            source: 'answer',
            outcome: 'accepted',
            savedAt: seq,
          } as const
        }),
      )
    }
  })
} else {
  await measured(async () => {
    const account = accountOf(template)
    const complete = await lastSeqWithoutGap(store.totals(account))
    const tally = await tallyReceipts(store, account, null)
    if (complete !== count || tally.count !== count || tally.charged !== 100n * BigInt(count)) {
      throw new Error(`${tally.count} receipts, complete to ${complete}, ${tally.charged} neuron`)
    }
  })
}
