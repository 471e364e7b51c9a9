import type { ReceiptDetail } from '../protocol/receipt.ts'
import type { Task } from './finetune/task.ts'
import { type LedgerReader, openReader } from './readLedger.ts'

/** What answers of one model were charged on one day. Neuron; `day` as YYYY-MM-DD in UTC. */
export interface Earned {
  readonly day: string
  readonly model: string
  readonly answers: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly charged: bigint
}

/** What the chain paid for trainings of one model on one day: fees, and penalties for deliveries that were rejected. */
export interface Trained {
  readonly day: string
  /** The base model, null from scratch. */
  readonly model: string | null
  readonly tasks: number
  /** Of one pass each. */
  readonly tokens: number
  readonly paid: bigint
}

export interface Earnings {
  readonly answers: readonly Earned[]
  readonly trainings: readonly Trained[]
}

interface Row {
  readonly seq: number | string
  readonly issued_at: number | string
  readonly fee: string
  readonly detail: string
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const PAGE = 5000

/**
 * What was earned since a time, by day and model, read beside a broker that may be running.
 * @param database `sqlite:<file>` or `postgres://…`
 * @param since unix seconds
 * @throws AppError `ledger_missing`
 */
export async function readEarnings(database: string, since: number): Promise<Earnings> {
  const reader = await openReader(database)
  try {
    return { answers: await readAnswers(reader, since), trainings: await readTrainings(reader, since) }
  } finally {
    await reader.close()
  }
}

async function readAnswers(reader: LedgerReader, since: number): Promise<Earned[]> {
  const totals = new Map<string, Writable<Earned>>()
  const query = `SELECT seq, issued_at, fee, detail FROM receipts WHERE seq > ? AND issued_at >= ? ORDER BY seq LIMIT ${PAGE}`
  const after = (seq: number) => reader.rows<Row>(query, seq, since)
  for (let page = await after(0); page.length; page = await after(Number(page.at(-1)!.seq))) {
    for (const row of page) addAnswer(totals, row)
  }
  return sorted(totals.values())
}

function addAnswer(totals: Map<string, Writable<Earned>>, row: Row): void {
  const { model, counts } = JSON.parse(row.detail) as ReceiptDetail
  const day = dayOf(Number(row.issued_at) * 1000)
  const key = `${day} ${model}`
  const total = totals.get(key) ?? { day, model, answers: 0, inputTokens: 0, outputTokens: 0, charged: 0n }
  total.answers++
  total.inputTokens += (counts.input ?? 0) + (counts.cachedInput ?? 0)
  total.outputTokens += counts.output ?? 0
  total.charged += BigInt(row.fee)
  totals.set(key, total)
}

async function readTrainings(reader: LedgerReader, since: number): Promise<Trained[]> {
  const totals = new Map<string, Writable<Trained>>()
  const query = "SELECT record FROM finetune_tasks WHERE state IN ('Finished', 'Failed')"
  for (const { record } of await reader.rows<{ record: string }>(query)) {
    const task = JSON.parse(record) as Task
    const { amount, at } = earnedBy(task)
    if (amount === 0n || at < since * 1000) continue
    const [day, { model }] = [dayOf(at), task]
    const total = totals.get(`${day} ${model}`) ?? { day, model, tasks: 0, tokens: 0, paid: 0n }
    total.tasks++
    total.tokens += task.tokens ?? 0
    total.paid += amount
    totals.set(`${day} ${model}`, total)
  }
  return sorted(totals.values())
}

/** A row of an older release says no more than that its fee was paid. */
function earnedBy({ earned, end, fee, updatedAt }: Task): { readonly amount: bigint; readonly at: number } {
  if (earned) return { amount: BigInt(earned.amount), at: earned.at }
  return { amount: end === 'paid' ? BigInt(fee ?? 0) : 0n, at: updatedAt }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const sorted = <T extends { readonly day: string; readonly model: string | null }>(rows: Iterable<T>): T[] =>
  [...rows].sort((a, b) => a.day.localeCompare(b.day) || (a.model ?? '').localeCompare(b.model ?? ''))
