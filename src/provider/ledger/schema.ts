import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { ledgerCorrupt, ledgerForeign, ledgerTooNew } from './errors.ts'
import { sqlite } from './nodeSqlite.ts'

/** Whose receipts a ledger holds. */
export interface LedgerIdentity {
  readonly chainId: number
  readonly contract: Address
  readonly provider: Address
}

/** Marks the file as ours: "0GLG". */
const APPLICATION_ID = 0x30474c47

/**
 * Step n takes a ledger from version n to n + 1; steps are never edited once released. Amounts and nonces are
 * decimal TEXT, since they do not fit SQLite's 64 bits, and are never summed in SQL. Addresses are lower case.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE identity (chain_id INTEGER NOT NULL, contract TEXT NOT NULL, provider TEXT NOT NULL) STRICT;
  CREATE TABLE users (
    user TEXT PRIMARY KEY,
    charged TEXT NOT NULL,
    paid TEXT NOT NULL,
    settled_seq INTEGER NOT NULL,
    last_nonce TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL,
    fee TEXT NOT NULL,
    cumulative TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    detail_hash TEXT NOT NULL,
    detail TEXT NOT NULL,
    signature TEXT NOT NULL
  ) STRICT;
  CREATE INDEX receipts_of_user ON receipts (user, seq);
  CREATE TABLE exchanges (
    id TEXT PRIMARY KEY,
    exchange TEXT NOT NULL,
    delivered TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE settlements (
    user TEXT NOT NULL,
    nonce TEXT NOT NULL,
    total_fee TEXT NOT NULL,
    requests_hash TEXT NOT NULL,
    signature TEXT NOT NULL,
    through_seq INTEGER NOT NULL,
    from_block INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'void')),
    tx_hash TEXT,
    paid TEXT NOT NULL,
    PRIMARY KEY (user, nonce)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX open_settlement_of_user ON settlements (user) WHERE state = 'open';
  `,
]

/** The schema version that this release writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** Settings of every connection: a commit is on disk when it returns. */
export const CONNECTION_PRAGMAS =
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF'

/**
 * Opens or creates the file, brings it to this release's version and makes sure whose it is.
 * @returns the identity as it was first written, so that what was signed is served again unchanged
 * @throws AppError `ledger_corrupt`, `ledger_too_new`, `ledger_foreign`
 */
export function prepareFile(path: string, wanted: LedgerIdentity): LedgerIdentity {
  let database: DatabaseSync | undefined
  try {
    refuseOtherFormats(path)
    database = new sqlite.DatabaseSync(path)
    refuseForeignFile(database, path)
    database.exec(CONNECTION_PRAGMAS)
    refuseDamage(database, path)
    migrate(database, path)
    return claim(database, path, wanted)
  } catch (error) {
    throw error instanceof AppError ? error : ledgerCorrupt(path, error)
  } finally {
    database?.close()
  }
}

/** First bytes of every SQLite file; SQLite itself would overwrite a very short file of another kind. */
const MAGIC = 'SQLite format 3\0'

function refuseOtherFormats(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return
  const head = Buffer.alloc(MAGIC.length)
  const file = openSync(path, 'r')
  try {
    readSync(file, head)
  } finally {
    closeSync(file)
  }
  if (head.toString('latin1') !== MAGIC) throw ledgerCorrupt(path)
}

function refuseForeignFile(database: DatabaseSync, path: string): void {
  const id = pragma(database, 'application_id')
  const isEmpty = pragma(database, 'schema_version') === 0
  if (id !== APPLICATION_ID && !isEmpty) throw ledgerCorrupt(path)
  const version = pragma(database, 'user_version')
  if (version > SCHEMA_VERSION) throw ledgerTooNew(path, version, SCHEMA_VERSION)
}

function refuseDamage(database: DatabaseSync, path: string): void {
  const answer = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
  if (answer.quick_check !== 'ok') throw ledgerCorrupt(path, new Error(answer.quick_check))
}

function migrate(database: DatabaseSync, path: string): void {
  for (let version = pragma(database, 'user_version'); version < SCHEMA_VERSION; version++) {
    const step = MIGRATIONS[version]
    if (step === undefined) throw ledgerCorrupt(path)
    database.exec(
      `BEGIN IMMEDIATE; ${step}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT`,
    )
  }
}

function claim(database: DatabaseSync, path: string, wanted: LedgerIdentity): LedgerIdentity {
  const row = database.prepare('SELECT chain_id AS chainId, contract, provider FROM identity').get()
  if (!row) {
    database
      .prepare('INSERT INTO identity (chain_id, contract, provider) VALUES (?, ?, ?)')
      .run(wanted.chainId, wanted.contract, wanted.provider)
    return wanted
  }
  const found = { ...row } as unknown as LedgerIdentity
  if (found.chainId !== wanted.chainId) throw ledgerForeign(path, 'chain')
  if (!sameAddress(found.contract, wanted.contract)) throw ledgerForeign(path, 'contract')
  if (!sameAddress(found.provider, wanted.provider)) throw ledgerForeign(path, 'provider')
  return found
}

const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)
