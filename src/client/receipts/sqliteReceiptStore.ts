import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Outcome } from '../../attestation/verdict.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { sqlite } from '../../base/nodeSqlite.ts'
import { receiptDigest, receiptFromJson, receiptToJson } from '../../protocol/receipt.ts'
import {
  accountOf,
  type ReceiptAccount,
  type ReceiptStore,
  type ReceiptTotals,
  type StoredReceipt,
} from './receiptStore.ts'

/** Amounts are text of this many digits, which sorts as the amounts do: uint96 has no more. */
const DIGITS = 29
/** Rows read at a time. */
const PAGE = 50
const VERSION = 1

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY, chain_id INTEGER, contract TEXT, user TEXT, provider TEXT,
    UNIQUE (chain_id, contract, user, provider)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS receipts (
    account INTEGER, seq INTEGER, digest TEXT, cumulative TEXT, before TEXT,
    receipt TEXT, source TEXT, outcome TEXT, saved_at INTEGER,
    PRIMARY KEY (account, seq, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS receipts_by_total ON receipts (account, cumulative);
  PRAGMA user_version = ${VERSION};`

const OF_ACCOUNT = 'chain_id = ? AND contract = ? AND user = ? AND provider = ?'

interface Row {
  readonly seq: number
  readonly digest: string
  readonly receipt: string
  readonly source: StoredReceipt['source']
  readonly outcome: Outcome | null
  readonly saved_at: number
}

interface TotalsRow extends Pick<Row, 'seq' | 'digest' | 'source' | 'outcome'> {
  readonly cumulative: string
  readonly before: string
}

/**
 * Receipts in `receipts.sqlite`, readable by their owner alone and never in memory as a whole. Several processes may
 * use it at once; what was added is on disk.
 * @throws AppError `receipts_too_new`, when it is first used
 */
export function sqliteReceiptStore(stateDir: string): ReceiptStore {
  let opened: Statements | undefined
  const statements = (): Statements => {
    opened ??= prepare(openDatabase(stateDir))
    return opened
  }
  const idOf = (account: ReceiptAccount): number => {
    const found = statements().findAccount.get(...keyOf(account)) as { readonly id: number } | undefined
    return found?.id ?? 0
  }
  const addAll = async (all: readonly StoredReceipt[]): Promise<void> => {
    const { database, addAccount, add } = statements()
    database.exec('BEGIN IMMEDIATE')
    try {
      for (const stored of all) {
        const account = accountOf(stored.signed)
        addAccount.run(...keyOf(account))
        add.run(idOf(account), ...columnsOf(stored))
      }
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
  async function* each(account: ReceiptAccount): AsyncGenerator<StoredReceipt> {
    const id = idOf(account)
    let last: Pick<Row, 'seq' | 'digest'> = { seq: -1, digest: '' }
    for (;;) {
      const page = statements().after.all(id, last.seq, last.digest, PAGE) as unknown as Row[]
      for (const row of page) yield toStored(row)
      if (page.length < PAGE) return
      last = page.at(-1) as Row
    }
  }
  async function* totals(account: ReceiptAccount): AsyncGenerator<ReceiptTotals> {
    const id = idOf(account)
    let last: Pick<Row, 'seq' | 'digest'> = { seq: -1, digest: '' }
    for (;;) {
      const page = statements().totals.all(id, last.seq, last.digest, PAGE) as unknown as TotalsRow[]
      for (const { seq, cumulative, before, source, outcome } of page) {
        const total = BigInt(cumulative)
        yield { seq, cumulative: total, fee: total - BigInt(before), source, outcome }
      }
      if (page.length < PAGE) return
      last = page.at(-1) as TotalsRow
    }
  }
  return {
    addAll,
    add: (stored) => addAll([stored]),
    each,
    totals,
    at: async (account, seq) =>
      (statements().at.all(idOf(account), seq) as unknown as Row[]).map((row) => toStored(row).signed),
    async list(account) {
      const all: StoredReceipt[] = []
      for await (const stored of each(account)) all.push(stored)
      return all
    },
    async count(account) {
      return (statements().count.get(idOf(account)) as { readonly n: number }).n
    },
    async newest(account) {
      const row = statements().newest.get(idOf(account)) as Row | undefined
      return row ? toStored(row).signed : null
    },
    async known(account, seq) {
      const id = idOf(account)
      const { below, above, at } = statements()
      const floor = below.get(id, seq) as { readonly cumulative: string } | undefined
      const ceiling = above.get(id, seq) as { readonly before: string | null }
      const same = at.get(id, seq) as Row | undefined
      return {
        floor: BigInt(floor?.cumulative ?? 0),
        ceiling: ceiling.before === null ? null : BigInt(ceiling.before),
        same: same ? toStored(same).signed : null,
      }
    },
    async accounts({ chainId, contract, user }) {
      const rows = statements().accounts.all(chainId, contract.toLowerCase(), user.toLowerCase())
      return rows.map(({ provider }) => ({ chainId, contract, user, provider: provider as Address }))
    },
  }
}

type Statements = ReturnType<typeof prepare>

function prepare(database: DatabaseSync) {
  return {
    database,
    findAccount: database.prepare(`SELECT id FROM accounts WHERE ${OF_ACCOUNT}`),
    addAccount: database.prepare(
      'INSERT OR IGNORE INTO accounts (chain_id, contract, user, provider) VALUES (?, ?, ?, ?)',
    ),
    accounts: database.prepare(
      'SELECT provider FROM accounts WHERE chain_id = ? AND contract = ? AND user = ?',
    ),
    // Where an audit came first, the answer's own verdict is what counts.
    add: database.prepare(
      `INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, seq, digest) DO UPDATE
       SET source = excluded.source, outcome = excluded.outcome, saved_at = excluded.saved_at
       WHERE receipts.source = 'audit'`,
    ),
    after: database.prepare(
      'SELECT * FROM receipts WHERE account = ? AND (seq, digest) > (?, ?) ORDER BY seq, digest LIMIT ?',
    ),
    count: database.prepare('SELECT count(*) AS n FROM receipts WHERE account = ?'),
    newest: database.prepare('SELECT * FROM receipts WHERE account = ? ORDER BY seq DESC LIMIT 1'),
    totals: database.prepare(
      'SELECT seq, digest, cumulative, before, source, outcome FROM receipts WHERE account = ? AND (seq, digest) > (?, ?) ORDER BY seq, digest LIMIT ?',
    ),
    at: database.prepare('SELECT * FROM receipts WHERE account = ? AND seq = ? ORDER BY saved_at'),
    // From the highest total down: of a new number it is the first row, however many there are.
    below: database.prepare(
      'SELECT cumulative FROM receipts INDEXED BY receipts_by_total WHERE account = ? AND seq < ? ORDER BY cumulative DESC LIMIT 1',
    ),
    above: database.prepare('SELECT min(before) AS before FROM receipts WHERE account = ? AND seq > ?'),
  }
}

function openDatabase(stateDir: string): DatabaseSync {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const path = join(stateDir, 'receipts.sqlite')
  const database = new sqlite.DatabaseSync(path)
  chmodSync(path, 0o600)
  database.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
    readonly user_version: number
  }
  if (version > VERSION) throw tooNew(path)
  if (version < VERSION) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`)
  return database
}

const keyOf = ({ chainId, contract, user, provider }: ReceiptAccount) =>
  [chainId, contract.toLowerCase(), user.toLowerCase(), provider.toLowerCase()] as const

function columnsOf({ signed, source, outcome, savedAt }: StoredReceipt) {
  const { receipt, chainId, contract } = signed
  return [
    receipt.seq,
    receiptDigest(chainId, contract, receipt),
    sortable(receipt.cumulative),
    sortable(receipt.cumulative - receipt.fee),
    JSON.stringify(receiptToJson(signed)),
    source,
    outcome,
    savedAt,
  ] as const
}

const toStored = ({ receipt, source, outcome, saved_at }: Row): StoredReceipt => ({
  signed: receiptFromJson(JSON.parse(receipt)),
  source,
  outcome,
  savedAt: saved_at,
})

/** A receipt whose fee exceeds its total contradicts itself; its total before counts as nothing. */
const sortable = (amount: bigint): string => (amount < 0n ? 0n : amount).toString().padStart(DIGITS, '0')

const tooNew = (path: string): AppError =>
  new AppError({
    code: 'receipts_too_new',
    message: `${path} was written by a newer version of 0g-compute`,
    hint: 'Update 0g-compute, or use another home directory',
  })
