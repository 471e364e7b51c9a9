import type { Logger } from '../../base/log.ts'
import type { PrivateKey } from '../../protocol/signature.ts'
import { databaseUnknown } from './errors.ts'
import type { Ledger } from './ledger.ts'
import type { LedgerIdentity } from './tables.ts'

export interface LedgerOptions extends LedgerIdentity {
  /** The enclave's, which signs the receipts. */
  readonly signerKey: PrivateKey
  /** Seals the rows: `ledgerKeyOf` the enclave's key. */
  readonly rowKey: Uint8Array
  /**
   * No number below this is given out: above every number that an earlier process can have used, whatever became
   * of its ledger. Default 1.
   */
  readonly firstSeq?: number
  /** ms; default the clock. Only `issuedAt` comes from it: order is a number, never a clock. */
  readonly now?: () => number
  readonly log?: Logger
}

export interface OpenLedgerOptions extends LedgerOptions {
  /** `sqlite:<file>`, or `postgres://…` for any number of replicas. */
  readonly database: string
  /** PostgreSQL: after this long without a sign of life a replica's exchanges are charged by another, ms. Default 30 s. */
  readonly leaseMs?: number
}

/**
 * Opens the broker's ledger, or makes a new one.
 * @throws AppError `database_unknown`, `pg_missing`, `ledger_unavailable`, `ledger_locked`, `ledger_corrupt`,
 * `ledger_too_new`, `ledger_foreign`, `ledger_key_changed`
 */
export async function openLedger({ database, ...options }: OpenLedgerOptions): Promise<Ledger> {
  if (database.startsWith('sqlite:')) {
    const { openSqliteLedger } = await import('./sqlite/sqliteLedger.ts')
    return openSqliteLedger({ ...options, path: database.slice('sqlite:'.length) })
  }
  if (/^postgres(ql)?:\/\//.test(database)) {
    const { openPostgresLedger } = await import('./postgres/postgresLedger.ts')
    return openPostgresLedger({ ...options, url: database })
  }
  throw databaseUnknown()
}
