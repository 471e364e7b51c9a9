import type { Settled } from '../../chain/batches.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { Unexplained } from './audit.ts'
import { type Contradiction, contradictionOf } from './contradiction.ts'
import type { StoredReceipt } from './receiptStore.ts'

/** What the receipts of one account come to, amounts in neuron. */
export interface Tally {
  readonly count: number
  /** Sum of all fees. */
  readonly charged: bigint
  readonly newest: SignedReceipt | null
  readonly unexplained: readonly Unexplained[]
  /** Pairs that carry one number and differ: one pair a number. */
  readonly contradictions: readonly Contradiction[]
  /** Later than what was settled on chain, and of a smaller total; few of them. */
  readonly belowSettled: readonly SignedReceipt[]
}

const MOST_BELOW = 16

/**
 * Reads receipts by number, once: there may be a million of them.
 * @param settled what the chain settled of the account; null where it knows no such thing
 */
export async function tallyReceipts(
  receipts: AsyncIterable<StoredReceipt>,
  settled: Settled | null,
): Promise<Tally> {
  const unexplained: Unexplained[] = []
  const contradictions: Contradiction[] = []
  const belowSettled: SignedReceipt[] = []
  let [count, charged, total, seq] = [0, 0n, 0n, 0]
  let newest: SignedReceipt | null = null
  for await (const { signed } of receipts) {
    const { receipt } = signed
    count++
    charged += receipt.fee
    const jump = receipt.cumulative - receipt.fee - total
    const detail = `between receipts ${seq} and ${receipt.seq}`
    if (receipt.seq === seq || jump < 0n)
      unexplained.push({ kind: 'contradiction', amount: jump < 0n ? -jump : 0n, detail })
    else if (jump > 0n) unexplained.push({ kind: 'gap', amount: jump, detail })
    if (newest && receipt.seq === seq && contradictions.at(-1)?.receipts[0]?.receipt.seq !== seq) {
      const pair = contradictionOf([newest, signed])
      if (pair) contradictions.push(pair)
    }
    const isBelow = settled && receipt.seq > settled.upTo && receipt.cumulative < settled.settled
    if (isBelow && belowSettled.length < MOST_BELOW) belowSettled.push(signed)
    total = receipt.cumulative
    seq = receipt.seq
    newest = signed
  }
  return { count, charged, newest, unexplained, contradictions, belowSettled }
}

/** The number up to which every fee is accounted for: totals rise by exactly the fee. */
export async function lastSeqWithoutGap(receipts: AsyncIterable<StoredReceipt>): Promise<number> {
  let [total, seq] = [0n, 0]
  for await (const { signed } of receipts) {
    const { receipt } = signed
    if (receipt.cumulative !== total + receipt.fee) break
    total = receipt.cumulative
    seq = receipt.seq
  }
  return seq
}
