import type { DatabaseSync } from 'node:sqlite'
import { sqlite } from './nodeSqlite.ts'

/** A lock that the operating system releases when its process ends, however it ends. */
export interface FileLock {
  release(): void
}

/** SQLite's result code for a lock that somebody else holds. @see https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5

/**
 * Takes a file as a lock for this process: an exclusive SQLite transaction on it, never committed.
 * @returns null while somebody else holds it
 * @throws what SQLite says of a file that cannot be opened, or is none of its own
 */
export function tryLock(path: string): FileLock | null {
  let database: DatabaseSync | undefined
  try {
    database = new sqlite.DatabaseSync(path)
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (isBusy(error)) return null
    throw error
  }
  const held = database
  return { release: () => held.close() }
}

const isBusy = (error: unknown): boolean => (error as { errcode?: number }).errcode === SQLITE_BUSY
