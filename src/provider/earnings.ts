import { AppError } from '../base/errors.ts'
import { sqlite } from '../base/nodeSqlite.ts'
import type { ReceiptDetail } from '../protocol/receipt.ts'

/** What one model earned on one day. Neuron; `day` as YYYY-MM-DD in UTC. */
export interface Earned {
  readonly day: string
  readonly model: string
  readonly answers: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly charged: bigint
}

interface Row {
  readonly seq: number | string
  readonly issued_at: number | string
  readonly fee: string
  readonly detail: string
}

interface Rows {
  after(seq: number): Promise<Row[]>
  close(): Promise<void>
}

const PAGE = 5000
const COLUMNS = 'seq, issued_at, fee, detail'

/**
 * What was charged since a time, by day and model, read beside a broker that may be running.
 * @param database `sqlite:<file>` or `postgres://…`
 * @param since unix seconds
 * @throws AppError `ledger_missing`
 */
export async function readEarnings(database: string, since: number): Promise<Earned[]> {
  const rows = database.startsWith('sqlite:')
    ? sqliteRows(database.slice(7), since)
    : await postgresRows(database, since)
  const totals = new Map<string, { -readonly [K in keyof Earned]: Earned[K] }>()
  try {
    for (let after = 0, page = await rows.after(0); page.length; page = await rows.after(after)) {
      for (const row of page) add(totals, row)
      after = Number(page.at(-1)!.seq)
    }
  } finally {
    await rows.close()
  }
  return [...totals.values()].sort((a, b) => a.day.localeCompare(b.day) || a.model.localeCompare(b.model))
}

function add(totals: Map<string, { -readonly [K in keyof Earned]: Earned[K] }>, row: Row): void {
  const { model, counts } = JSON.parse(row.detail) as ReceiptDetail
  const day = new Date(Number(row.issued_at) * 1000).toISOString().slice(0, 10)
  const key = `${day} ${model}`
  const total = totals.get(key) ?? { day, model, answers: 0, inputTokens: 0, outputTokens: 0, charged: 0n }
  total.answers++
  total.inputTokens += (counts.input ?? 0) + (counts.cachedInput ?? 0)
  total.outputTokens += counts.output ?? 0
  total.charged += BigInt(row.fee)
  totals.set(key, total)
}

function sqliteRows(path: string, since: number): Rows {
  try {
    const database = new sqlite.DatabaseSync(path, { readOnly: true, timeout: 5000 })
    const page = database.prepare(
      `SELECT ${COLUMNS} FROM receipts WHERE seq > ? AND issued_at >= ? ORDER BY seq LIMIT ${PAGE}`,
    )
    return {
      after: async (seq) => page.all(seq, since) as unknown as Row[],
      close: async () => database.close(),
    }
  } catch (cause) {
    throw new AppError({
      code: 'ledger_missing',
      message: `There is no ledger at ${path}`,
      hint: 'Nothing was served from this folder yet, or it is another one: --data-dir, --config',
      next: '0g-compute provider serve',
      cause,
    })
  }
}

async function postgresRows(url: string, since: number): Promise<Rows> {
  const { default: pg } = (await import('pg' as string)) as { default: PgModule }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const query = `SELECT ${COLUMNS} FROM receipts WHERE seq > $1 AND issued_at >= $2 ORDER BY seq LIMIT ${PAGE}`
  return {
    after: async (seq) => (await client.query(query, [seq, since])).rows,
    close: () => client.end(),
  }
}

/** The part of the optional package `pg` that is used. */
interface PgModule {
  readonly Client: new (options: {
    connectionString: string
  }) => {
    connect(): Promise<void>
    query(text: string, values: readonly unknown[]): Promise<{ rows: Row[] }>
    end(): Promise<void>
  }
}
