import { counted } from '../../base/counted.ts'
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
  readonly withoutAnswer: WithoutAnswer
  readonly unexplained: readonly Unexplained[]
  /** Pairs that carry one number and differ: one pair a number. */
  readonly contradictions: readonly Contradiction[]
  /** Later than what was settled on chain, and of a smaller total; few of them. */
  readonly belowSettled: readonly SignedReceipt[]
}

/** Receipts that came from the provider's list: of other machines, API keys, answers lost on the way, or nobody. */
export interface WithoutAnswer {
  readonly receipts: number
  /** Sum of their fees, neuron. */
  readonly charged: bigint
}

const MOST_BELOW = 16
/** So many numbers of receipts are named at most. */
const MOST_NAMED = 3

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
  const [rejected, wrong, fetched] = [new Sum(), new Sum(), new Sum()]
  let [count, charged, total, last] = [0, 0n, 0n, 0]
  for await (const { seq, cumulative, fee, source, outcome } of store.totals(account)) {
    count++
    charged += fee
    if (source === 'audit') fetched.add(seq, fee)
    if (outcome === 'rejected') (source === 'audit' ? wrong : rejected).add(seq, fee)
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
  if (rejected.count > 0) unexplained.push(rejectedHere(rejected))
  if (wrong.count > 0) unexplained.push(wrongInItself(wrong))
  const pairs = await Promise.all([...twins].map((seq) => store.at(account, seq)))
  const belowSettled = (await Promise.all(below.map((seq) => store.at(account, seq)))).flat()
  const contradictions = pairs.flatMap((pair) => contradictionOf(pair.slice(0, 2)) ?? [])
  const withoutAnswer = { receipts: fetched.count, charged: fetched.amount }
  return { count, charged, withoutAnswer, unexplained, contradictions, belowSettled }
}

/** Some receipts of an account, and the first of them. */
class Sum {
  count = 0
  amount = 0n
  readonly #first: number[] = []

  add(seq: number, fee: bigint): void {
    this.count++
    this.amount += fee
    if (this.#first.length < MOST_NAMED) this.#first.push(seq)
  }

  /** `receipts 4, 9` */
  get named(): string {
    const more = this.count > MOST_NAMED ? ' …' : ''
    return `receipt${this.count === 1 ? '' : 's'} ${this.#first.join(', ')}${more}`
  }
}

const rejectedHere = ({ count, amount, named }: Sum): Unexplained => ({
  kind: 'rejected',
  amount,
  detail: `for ${counted(count, 'answer')} rejected here: ${named}`,
})

const wrongInItself = ({ count, amount, named }: Sum): Unexplained => ({
  kind: 'receipt_wrong',
  amount,
  detail: `by ${counted(count, 'receipt')} that ${count === 1 ? 'does' : 'do'} not add up: ${named}`,
})

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
