import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { AppError } from '../../../base/errors.ts'
import { sqlite } from '../../../base/nodeSqlite.ts'
import { assertOwner } from '../claim.ts'
import { ledgerCorrupt, ledgerTooNew, ledgerTooOld } from '../errors.ts'
import { oldestKept } from '../keySpending.ts'
import { EMPTY_VERSION, migrationFrom, SCHEMA_VERSION } from '../migrations.ts'
import { coldDatabase } from '../prepare.ts'
import { dropSpendingBefore } from '../queries.ts'
import { RowSeal } from '../seal.ts'
import type { IdentityRow, LedgerIdentity } from '../tables.ts'
import { CONNECTION_PRAGMAS } from './pragmas.ts'

/** Marks the file as ours: "0GLG". */
const APPLICATION_ID = 0x30474c47

/**
 * Opens or creates the file, brings it to this release's version, makes sure whose it is, and drops what has expired.
 * @param now ms
 * @returns the identity as it was first written, so that what was signed is served again unchanged
 * @throws AppError `ledger_corrupt`, `ledger_too_new`, `ledger_foreign`, `ledger_key_changed`
 */
export function prepareFile(
  path: string,
  wanted: LedgerIdentity,
  rowKey: Uint8Array,
  now: number,
): LedgerIdentity {
  let database: DatabaseSync | undefined
  try {
    refuseOtherFormats(path)
    database = new sqlite.DatabaseSync(path)
    refuseForeignFile(database, path)
    database.exec(CONNECTION_PRAGMAS)
    refuseDamage(database, path)
    migrate(database, path)
    const identity = claim(database, path, wanted, rowKey)
    dropOldSpending(database, now)
    return identity
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
  if (!isEmpty && version <= EMPTY_VERSION) throw ledgerTooOld(path)
  if (version > SCHEMA_VERSION) throw ledgerTooNew(path, version, SCHEMA_VERSION)
}

function refuseDamage(database: DatabaseSync, path: string): void {
  const answer = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
  if (answer.quick_check !== 'ok') throw ledgerCorrupt(path, new Error(answer.quick_check))
}

function migrate(database: DatabaseSync, path: string): void {
  for (let version = versionOf(database); version < SCHEMA_VERSION; version++) {
    const steps = migrationFrom(version, coldDatabase as unknown as Kysely<unknown>, 'sqlite')
    if (steps.length === 0) throw ledgerCorrupt(path)
    const texts = steps.map((step) => step.compile().sql)
    database.exec(
      `BEGIN IMMEDIATE; ${texts.join('; ')}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT`,
    )
  }
}

function claim(
  database: DatabaseSync,
  path: string,
  wanted: LedgerIdentity,
  rowKey: Uint8Array,
): LedgerIdentity {
  const row = database.prepare('SELECT chain_id, contract, provider, version, key_check FROM identity').get()
  if (row) return assertOwner(path, { ...row } as unknown as IdentityRow, wanted, rowKey)
  const check = new RowSeal(rowKey, wanted).of('key', [])
  database
    .prepare('INSERT INTO identity (chain_id, contract, provider, version, key_check) VALUES (?, ?, ?, ?, ?)')
    .run(wanted.chainId, wanted.contract, wanted.provider, SCHEMA_VERSION, check)
  return wanted
}

function dropOldSpending(database: DatabaseSync, now: number): void {
  const { sql, parameters } = dropSpendingBefore(coldDatabase, oldestKept(now)).compile()
  database.prepare(sql).run(...(parameters as number[]))
}

const versionOf = (database: DatabaseSync): number => pragma(database, 'user_version') || EMPTY_VERSION

const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)
