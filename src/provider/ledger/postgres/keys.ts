import { type Kysely, sql } from 'kysely'
import type { Address, Hex } from '../../../base/hex.ts'
import { KEY_SPENDING_COLUMNS, type KeySpendingRow, type Tables } from '../tables.ts'

/** With the day of UTC since 1970 by the database's clock: those of the replicas may differ. */
export type DatedSpending = KeySpendingRow & { readonly today: number }

const TODAY = sql<number>`floor(extract(epoch from now()) / 86400)::integer`

const dated = (db: Kysely<Tables>) =>
  db.selectFrom('key_spending').select([...KEY_SPENDING_COLUMNS, TODAY.as('today')])

export const spendingOf = (db: Kysely<Tables>, users: readonly Address[]): Promise<DatedSpending[]> =>
  dated(db).where('user', 'in', users).execute()

/** @returns what was charged for these keys, and the day that it is */
export async function spendingOfKeys(
  db: Kysely<Tables>,
  ids: readonly Hex[],
): Promise<{ readonly rows: readonly DatedSpending[]; readonly today: number }> {
  if (ids.length === 0) return { rows: [], today: 0 }
  const rows = await dated(db).where('id', 'in', ids).execute()
  const today = await db.selectNoFrom(TODAY.as('today')).executeTakeFirstOrThrow()
  return { rows, ...today }
}
