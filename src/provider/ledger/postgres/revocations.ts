import { type Kysely, sql } from 'kysely'
import type { Address } from '../../../base/hex.ts'
import type { Revocation } from '../places.ts'
import type { RevocationRow, Tables } from '../tables.ts'

/** After this long every replica has seen the block, or serves nobody any more because its chain is stale, ms. */
const SHARED_FOR_MS = 10 * 60 * 1000

/** ms by the database's clock. */
export const CLOCK = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::double precision`

const OLD = sql<number>`${CLOCK} - ${SHARED_FOR_MS}::double precision`

export function putRevocation(db: Kysely<Tables>, { user, generation, revokedBitmap }: Revocation) {
  return db
    .insertInto('revocations')
    .values({
      user: user.toLowerCase() as Address,
      generation,
      revoked: revokedBitmap.toString(16),
      at: CLOCK,
    })
    .onConflict((conflict) => conflict.columns(['user', 'generation', 'revoked']).doUpdateSet({ at: CLOCK }))
}

export const recentRevocations = (db: Kysely<Tables>, users: readonly Address[]) =>
  db
    .selectFrom('revocations')
    .select(['user', 'generation', 'revoked'])
    .where('user', 'in', users)
    .where('at', '>=', OLD)

export const forgetOldRevocations = (db: Kysely<Tables>) => db.deleteFrom('revocations').where('at', '<', OLD)

export const revocationOf = ({ user, generation, revoked }: Omit<RevocationRow, 'at'>): Revocation => ({
  user,
  generation,
  revokedBitmap: BigInt(`0x${revoked}`),
})
