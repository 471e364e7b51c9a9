import { type FileLock, tryLock } from '../../../base/fileLock.ts'
import { ledgerCorrupt, ledgerLocked } from '../errors.ts'

/**
 * Takes the ledger for this process. The ledger itself stays readable for backups and for our own reading connection.
 * @throws AppError `ledger_locked`
 */
export function lockLedger(path: string): FileLock {
  const lock = tryLockBeside(path)
  if (!lock) throw ledgerLocked(path)
  return lock
}

function tryLockBeside(path: string): FileLock | null {
  try {
    return tryLock(`${path}.lock`)
  } catch (error) {
    throw ledgerCorrupt(`${path}.lock`, error)
  }
}
