import { type ExpressionBuilder, sql } from 'kysely'
import { leftBehind } from '../rows.ts'
import { EXCHANGE_COLUMNS, type ExchangeRow, type Tables } from '../tables.ts'
import type { PostgresDatabase } from './database.ts'

/** Exchanges that are taken over at once. */
const PAGE = 500

/**
 * Who is alive. A replica shows itself by the database's clock, since those of the replicas may differ; what one
 * that is silent for longer than the lease had in flight is left behind.
 */
export class Replicas {
  readonly #database: PostgresDatabase
  readonly #leaseMs: number
  readonly #id: string

  constructor(database: PostgresDatabase, id: string, leaseMs: number) {
    this.#database = database
    this.#id = id
    this.#leaseMs = leaseMs
  }

  /** This one. */
  get own(): string {
    return this.#id
  }

  /** Of rows of `replicas`. */
  isAlive = (eb: ExpressionBuilder<Pick<Tables, 'replicas'>, 'replicas'>) =>
    eb('replicas.seen_at', '>=', this.#deadSince())

  async showUp(): Promise<void> {
    await this.#database.plainly((db) =>
      db
        .insertInto('replicas')
        .values({ id: this.#id, seen_at: sql<Date>`now()` })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_at: sql<Date>`now()` }))
        .execute(),
    )
  }

  /** What it had in flight is for the others at once. */
  async leave(): Promise<void> {
    await this.#database.plainly((db) => db.deleteFrom('replicas').where('id', '=', this.#id).execute())
  }

  /** Exchanges of replicas that are gone. */
  leftBehind(): Promise<ExchangeRow[]> {
    return this.#database.plainly((db) =>
      db
        .selectFrom('exchanges')
        .leftJoin('replicas', 'replicas.id', 'exchanges.replica')
        .select(EXCHANGE_COLUMNS.map((column) => `exchanges.${column}` as const))
        .where('exchanges.replica', '<>', this.#id)
        .where(({ or, eb }) =>
          or([eb('replicas.id', 'is', null), eb('replicas.seen_at', '<', this.#deadSince())]),
        )
        .orderBy('exchanges.id')
        .limit(PAGE)
        .execute(),
    )
  }

  #deadSince = () => sql<Date>`now() - ${this.#leaseMs} * interval '1 millisecond'`

  read = (row: ExchangeRow): ReturnType<typeof leftBehind> => leftBehind(this.#database.seal, row)
}
