import { AppError } from '../../base/errors.ts'

const ledgerError = (
  code: string,
  message: string,
  hint: string,
  cause?: unknown,
  next = '0g-compute provider check',
): AppError => new AppError({ code, message, hint, next, cause, status: 503 })

/** Another process has the ledger open: two writers would give one number to two receipts. */
export const ledgerLocked = (path: string): AppError =>
  ledgerError(
    'ledger_locked',
    `The ledger ${path} is in use by another process`,
    'One broker at a time serves from a ledger. It may be serving already: end it with provider stop, or give this one its own --data-dir',
    undefined,
    '0g-compute provider status',
  )

/** The file is damaged or is no ledger. */
export const ledgerCorrupt = (path: string, cause?: unknown): AppError =>
  ledgerError(
    'ledger_corrupt',
    `The ledger ${path} is damaged or is not a ledger`,
    'Nothing was changed. Restore the newest backup, or move the file away after you have saved it',
    cause,
  )

/** The file was written by a newer release. */
export const ledgerTooNew = (path: string, version: number, known: number): AppError =>
  ledgerError(
    'ledger_too_new',
    `The ledger ${path} has version ${version}, this release knows up to ${known}`,
    'Nothing was changed. Start the newer release that wrote it',
  )

/** The ledger belongs to another provider, contract or chain. */
export const ledgerForeign = (path: string, what: string): AppError =>
  ledgerError(
    'ledger_foreign',
    `The ledger ${path} belongs to another ${what}`,
    'Receipts of two providers must not mix. Use one data folder for each',
  )

/** A commit failed: what is on disk is not known, so nothing more is written by this process. */
export const ledgerFailed = (path: string, cause: unknown): AppError =>
  ledgerError(
    'ledger_failed',
    `The ledger ${path} could not be written`,
    'Nothing that was not on disk was answered. Free the disk, then start the broker again',
    cause,
  )

/** The ledger was closed while calls were still coming. */
export const ledgerClosed = (path: string): AppError =>
  ledgerError('ledger_closed', `The ledger ${path} is closed`, 'The broker is stopping')

/** A row's seal does not fit: somebody changed the database. The payer's other rows are not used either. */
export const rowTampered = (kind: string, key: string): AppError =>
  ledgerError(
    'ledger_row_tampered',
    `The ledger's ${kind} row of ${key} was not written by this enclave`,
    'Somebody changed the database. This payer is neither served nor settled until the row is as it was; others are',
  )

/** The database lost what it had committed, as after the promotion of a standby that lagged behind. */
export const ledgerWentBack = (path: string): AppError =>
  ledgerError(
    'ledger_went_back',
    `The ledger ${path} has forgotten numbers that it gave out`,
    'Nothing more is charged from it. Start the broker again: it opens a new epoch',
  )

/** The ledger was sealed under another key: of another enclave, or of an account without one. */
export const ledgerKeyChanged = (path: string): AppError =>
  ledgerError(
    'ledger_key_changed',
    `The ledger ${path} was sealed with another key: that of another enclave, or of an account without a TEE`,
    'Only who wrote it can settle it: start it as it was before, and run provider stop --settle-all. A broker with or without a TEE that was not there before needs a data folder or database of its own',
    undefined,
    '0g-compute provider serve --data-dir <another folder>',
  )

/** Written before the first release. */
export const ledgerTooOld = (path: string): AppError =>
  ledgerError(
    'ledger_too_old',
    `The ledger ${path} was written before the first release, without seals`,
    'Nothing was changed. Move the file away: what it says cannot be checked',
  )

/** PostgreSQL did not answer in time; whether the last transaction counts is found out by the next try. */
export const ledgerUnavailable = (path: string, cause: unknown): AppError =>
  new AppError({
    code: 'ledger_unavailable',
    message: `The ledger ${path} does not answer`,
    hint: 'Nothing that was not stored was answered. It is tried again by itself',
    next: '0g-compute provider check',
    retryable: true,
    status: 503,
    cause,
  })

/** `pg` is not installed. */
export const pgMissing = (cause: unknown): AppError =>
  ledgerError(
    'pg_missing',
    'A PostgreSQL ledger needs the package pg, which is not installed',
    'Run: npm install pg',
    cause,
  )

/** Neither `sqlite:` nor `postgres://`. */
export const databaseUnknown = (): AppError =>
  ledgerError(
    'database_unknown',
    'The database address is neither sqlite:<file> nor postgres://<user>@<host>/<name>',
    'SQLite serves one broker; PostgreSQL any number of replicas',
  )
