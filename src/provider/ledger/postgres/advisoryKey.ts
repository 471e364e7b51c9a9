import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import type { LedgerIdentity, Tables } from '../tables.ts'

/** A 64-bit key for PostgreSQL's advisory locks. */
const keyOf = (text: string): string =>
  createHash('sha256').update(`0g-compute ${text}`).digest().readBigInt64BE(0).toString()

const MIGRATION = keyOf('migration')

export const advisoryKey = {
  /** Who settles for a provider. */
  settling: ({ chainId, contract, provider }: LedgerIdentity): string =>
    keyOf(`settling ${chainId} ${contract} ${provider}`.toLowerCase()),
  /** One replica at a time changes what all share. @returns ms by the database's clock, once it has the lock */
  lockPlaces: async (
    tx: Transaction<Tables>,
    { chainId, contract, provider }: LedgerIdentity,
  ): Promise<number> => {
    const key = keyOf(`places ${chainId} ${contract} ${provider}`.toLowerCase())
    const { rows } = await sql<{ now: number }>`
      WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(${key}::bigint))
      SELECT extract(epoch from clock_timestamp())::double precision * 1000 AS now FROM turn`.execute(tx)
    return rows[0]!.now
  },
  /** One replica at a time makes the tables. */
  lockForMigration: async (tx: Transaction<Tables>): Promise<void> => {
    await sql`SELECT pg_advisory_xact_lock(${MIGRATION}::bigint)`.execute(tx)
  },
}
