import type { SettlingTurn } from '../ledger.ts'
import type { LedgerIdentity } from '../tables.ts'
import { advisoryKey } from './advisoryKey.ts'
import type { PgPool } from './pg.ts'

/**
 * The turn to settle, by an advisory lock that ends with its connection: when the holder dies another replica
 * settles. A lock that is lost unnoticed makes two settle at once, which costs gas and nothing else: entries are
 * stored under the counter's lock, and the chain takes each nonce once.
 * @returns null while another replica has it
 */
export async function takeTurn(pool: PgPool, identity: LedgerIdentity): Promise<SettlingTurn | null> {
  const key = advisoryKey.settling(identity)
  const client = await pool.connect()
  try {
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1::bigint) AS taken', [key])
    if (rows[0]?.taken !== true) {
      client.release()
      return null
    }
  } catch (error) {
    client.release(true)
    throw error
  }
  return {
    async end() {
      const freed = await client.query('SELECT pg_advisory_unlock($1::bigint)', [key]).catch(() => null)
      client.release(freed === null)
    },
  }
}
