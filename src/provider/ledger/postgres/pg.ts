import { createRequire } from 'node:module'
import type { PostgresPool } from 'kysely'
import { pgMissing } from '../errors.ts'

/** The part of `pg`'s pool that is used here; the package brings no types. */
export interface PgPool extends Omit<PostgresPool, 'connect'> {
  connect(): Promise<PgClient>
  query(sql: string, values?: readonly unknown[]): Promise<PgResult>
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'connect', listener: (client: PgClient) => void): this
  end(): Promise<void>
}

export interface PgClient {
  query(sql: string, values?: readonly unknown[]): Promise<PgResult>
  on(event: 'error', listener: (error: Error) => void): PgClient
  release(destroy?: boolean): void
}

interface PgResult {
  readonly rows: Record<string, unknown>[]
}

interface PgModule {
  readonly Pool: new (options: object) => PgPool
  readonly types: { getTypeParser(oid: number, format?: string): (text: string) => unknown }
}

/** PostgreSQL's type of 64-bit integers. Ours stay below 2^53. */
const INT8 = 20
const CONNECT_MS = 5000
/** A replica that stops in the middle of a transaction holds the others up no longer than this. */
const IDLE_IN_TRANSACTION_MS = 10_000

/**
 * Connections to PostgreSQL. The package is loaded on use: who keeps the ledger in SQLite need not have it.
 * @throws AppError `pg_missing`
 */
export function loadPg(url: string, max: number): PgPool {
  const { Pool, types } = requirePg()
  const getTypeParser = (oid: number, format?: string) =>
    oid === INT8 ? Number : types.getTypeParser(oid, format)
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    types: { getTypeParser },
  })
  // A connection that breaks, in use or not, makes its query fail; the next call takes another one.
  const ignore = () => {}
  return pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))
}

function requirePg(): PgModule {
  try {
    return createRequire(import.meta.url)('pg') as PgModule
  } catch (cause) {
    throw pgMissing(cause)
  }
}
