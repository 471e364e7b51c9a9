import type { DatabaseSync } from 'node:sqlite'
import { sqlite } from '../../../base/nodeSqlite.ts'
import { ledgerCorrupt, ledgerLocked } from '../errors.ts'

/** A lock that the operating system releases when its process ends, however it ends. */
export interface FileLock {
  release(): void
}

/** SQLite's result code for a lock that somebody else holds. @see https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5

/**
 * Takes the ledger for this process: an exclusive SQLite transaction on a file beside it, never committed.
 * The ledger itself stays readable for backups and for our own reading connection.
 * @throws AppError `ledger_locked`
 */
export function lockLedger(path: string): FileLock {
  let database: DatabaseSync | undefined
  try {
    database = new sqlite.DatabaseSync(`${path}.lock`)
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    throw isBusy(error) ? ledgerLocked(path) : ledgerCorrupt(`${path}.lock`, error)
  }
  const held = database
  return { release: () => held.close() }
}

const isBusy = (error: unknown): boolean => (error as { errcode?: number }).errcode === SQLITE_BUSY
