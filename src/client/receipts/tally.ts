import type { Settled } from '../../chain/batches.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { Unexplained } from './audit.ts'
import { type Contradiction, contradictionOf } from './contradiction.ts'
import type { ReceiptAccount, ReceiptStore, ReceiptTotals } from './receiptStore.ts'

/** What the receipts of one account come to, amounts in neuron. */
export interface Tally {
  readonly count: number
  /** Sum of all fees. */
  readonly charged: bigint
  readonly unexplained: readonly Unexplained[]
  /** Pairs that carry one number and differ: one pair a number. */
  readonly contradictions: readonly Contradiction[]
  /** Later than what was settled on chain, and of a smaller total; few of them. */
  readonly belowSettled: readonly SignedReceipt[]
}

const MOST_BELOW = 16

/**
 * Reads what receipts come to, once: there may be a million of them.
 * @param settled what the chain settled of the account; null where it knows no such thing
 */
export async function tallyReceipts(
  store: ReceiptStore,
  account: ReceiptAccount,
  settled: Settled | null,
): Promise<Tally> {
  const unexplained: Unexplained[] = []
  const twins = new Set<number>()
  const below: number[] = []
  let [count, charged, total, last] = [0, 0n, 0n, 0]
  for await (const { seq, cumulative, fee } of store.totals(account)) {
    count++
    charged += fee
    const jump = cumulative - fee - total
    const detail = `between receipts ${last} and ${seq}`
    if (seq === last || jump < 0n)
      unexplained.push({ kind: 'contradiction', amount: jump < 0n ? -jump : 0n, detail })
    else if (jump > 0n) unexplained.push({ kind: 'gap', amount: jump, detail })
    if (seq === last) twins.add(seq)
    const isBelow = settled && seq > settled.upTo && cumulative < settled.settled
    if (isBelow && below.length < MOST_BELOW) below.push(seq)
    total = cumulative
    last = seq
  }
  const pairs = await Promise.all([...twins].map((seq) => store.at(account, seq)))
  const belowSettled = (await Promise.all(below.map((seq) => store.at(account, seq)))).flat()
  const contradictions = pairs.flatMap((pair) => contradictionOf(pair.slice(0, 2)) ?? [])
  return { count, charged, unexplained, contradictions, belowSettled }
}

/** The number up to which every fee is accounted for: totals rise by exactly the fee. */
export async function lastSeqWithoutGap(totals: AsyncIterable<ReceiptTotals>): Promise<number> {
  let [total, last] = [0n, 0]
  for await (const { seq, cumulative, fee } of totals) {
    if (cumulative !== total + fee) break
    total = cumulative
    last = seq
  }
  return last
}
