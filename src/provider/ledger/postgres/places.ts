import { sql, type Transaction } from 'kysely'
import type { Address } from '../../../base/hex.ts'
import { asOf, type CountedKey, dayOf, keySpendingOf } from '../keySpending.ts'
import {
  type Holding,
  type Minute,
  NOTHING,
  type PlaceChange,
  type Places,
  type Revocation,
  type Usage,
} from '../places.ts'
import { accountOfRow } from '../rows.ts'
import {
  KEY_SPENDING_COLUMNS,
  type KeySpendingRow,
  type PlaceRow,
  type Tables,
  USER_COLUMNS,
  type UserRow,
} from '../tables.ts'
import { advisoryKey } from './advisoryKey.ts'
import type { PostgresDatabase } from './database.ts'
import type { Memory } from './memory.ts'
import type { Replicas } from './replicas.ts'
import { CLOCK, forgetOldRevocations, putRevocation } from './revocations.ts'

type Tx = Transaction<Tables>
type About = Parameters<Places['change']>[0]

/** What nobody touched for this long is forgotten, ms. Until then a replica that was only slow finds what it holds. */
const FORGET_AFTER_MS = 60 * 60 * 1000

/** What replicas share beside money, in tables that no commit waits for the disk of. */
export class PostgresPlaces implements Places {
  readonly #database: PostgresDatabase
  readonly #replicas: Replicas
  readonly #memory: Memory

  constructor(database: PostgresDatabase, replicas: Replicas, memory: Memory) {
    this.#database = database
    this.#replicas = replicas
    this.#memory = memory
  }

  change<T>(about: About, decide: (usage: Usage) => PlaceChange<T>): Promise<T> {
    return this.#database.plainly((db) =>
      db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (tx) => {
          const now = await advisoryKey.lockPlaces(tx, this.#database.identity)
          const { holdings, minutes, result } = decide(await this.#usage(tx, about, now))
          await this.#put(tx, holdings, minutes)
          return result
        }),
    )
  }

  async noteRevocation(revocation: Revocation): Promise<void> {
    await this.#database.plainly((db) => putRevocation(db, revocation).execute())
  }

  revocations(user: Address): readonly Revocation[] {
    return this.#memory.revocations(user)
  }

  /** Forgets what the long dead held, and what nobody asks for any more. */
  async sweep(): Promise<void> {
    await this.#database.plainly(async (db) => {
      const known = db
        .selectFrom('replicas')
        .select('id')
        .where('seen_at', '>=', sql<Date>`now() - ${FORGET_AFTER_MS} * interval '1 millisecond'`)
      await db.deleteFrom('places').where('replica', 'not in', known).execute()
      const idle = { running: 0, tokens: 0, amount: '0' }
      await db
        .deleteFrom('places')
        .where(({ and }) => and(idle))
        .execute()
      await db
        .deleteFrom('minutes')
        .where('at', '<', sql<number>`${CLOCK} - ${FORGET_AFTER_MS}::double precision`)
        .execute()
      await forgetOldRevocations(db).execute()
    })
  }

  async #usage(tx: Tx, { holders, keys, payers }: About, now: number): Promise<Usage> {
    const places = await tx
      .selectFrom('places')
      .innerJoin('replicas', 'replicas.id', 'places.replica')
      .select(['holder', 'running', 'tokens', 'amount'])
      .where('holder', 'in', [...holders])
      .where('replica', '<>', this.#replicas.own)
      .where(this.#replicas.isAlive)
      .execute()
    const minutes = await tx
      .selectFrom('minutes')
      .select(['user', 'requests', 'tokens', 'at'])
      .where('user', 'in', holders as readonly Address[])
      .execute()
    const spending = await this.#spending(tx, keys)
    // After the places: what is charged meanwhile counts twice for a moment, never not at all.
    const accounts = await this.#accounts(tx, payers)
    return {
      now,
      others: (holder) => places.filter((place) => place.holder === holder).reduce(together, NOTHING),
      minute: (user) => minutes.find((minute) => minute.user === user),
      spent: ({ id }) => {
        const row = spending.find((found) => found.id === id)
        return row ? asOf(dayOf(now), keySpendingOf(this.#database.seal, row)).spent : 0n
      },
      charged: (user) => {
        const row = accounts.find((found) => found.user === user)
        return row ? accountOfRow(this.#database.seal, row).charged : 0n
      },
    }
  }

  #spending(tx: Tx, keys: readonly CountedKey[]): Promise<KeySpendingRow[]> | KeySpendingRow[] {
    if (keys.length === 0) return []
    const ids = keys.map(({ id }) => id)
    return tx.selectFrom('key_spending').select(KEY_SPENDING_COLUMNS).where('id', 'in', ids).execute()
  }

  #accounts(tx: Tx, payers: readonly Address[]): Promise<UserRow[]> | UserRow[] {
    if (payers.length === 0) return []
    return tx.selectFrom('users').select(USER_COLUMNS).where('user', 'in', payers).execute()
  }

  async #put(tx: Tx, holdings: ReadonlyMap<string, Holding>, minutes: readonly Minute[]): Promise<void> {
    const places = [...holdings].map(
      ([holder, { running, tokens, amount }]): PlaceRow => ({
        ...{ replica: this.#replicas.own, holder, running, tokens },
        amount: amount.toString(),
      }),
    )
    if (places.length > 0) {
      await tx
        .insertInto('places')
        .values(places)
        .onConflict((conflict) =>
          conflict.columns(['holder', 'replica']).doUpdateSet((eb) => ({
            running: eb.ref('excluded.running'),
            tokens: eb.ref('excluded.tokens'),
            amount: eb.ref('excluded.amount'),
          })),
        )
        .execute()
    }
    if (minutes.length > 0) {
      await tx
        .insertInto('minutes')
        .values(minutes)
        .onConflict((conflict) =>
          conflict.column('user').doUpdateSet((eb) => ({
            requests: eb.ref('excluded.requests'),
            tokens: eb.ref('excluded.tokens'),
            at: eb.ref('excluded.at'),
          })),
        )
        .execute()
    }
  }
}

const together = (sum: Holding, { running, tokens, amount }: Omit<PlaceRow, 'replica'>): Holding => ({
  running: sum.running + running,
  tokens: sum.tokens + tokens,
  amount: sum.amount + BigInt(amount),
})
