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
  /** Before this nobody is taken for gone, ms of this process. */
  #judgesFrom = 0

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

  /** One that could not show itself, as while the database was away, cannot tell who else could not: all get a lease. */
  async showUp(): Promise<void> {
    let wasCutOff = false
    await this.#database.plainly(async (db) => {
      const own = await db.selectFrom('replicas').select(this.#isLate).where('id', '=', this.#id).execute()
      wasCutOff ||= own.some(({ late }) => late)
      await db
        .insertInto('replicas')
        .values({ id: this.#id, seen_at: sql<Date>`now()` })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_at: sql<Date>`now()` }))
        .execute()
    })
    if (wasCutOff) this.#judgesFrom = performance.now() + this.#leaseMs
  }

  /** What it had in flight is for the others at once. */
  async leave(): Promise<void> {
    await this.#database.plainly((db) => db.deleteFrom('replicas').where('id', '=', this.#id).execute())
  }

  /** Exchanges of replicas that are gone. */
  async leftBehind(): Promise<ExchangeRow[]> {
    if (performance.now() < this.#judgesFrom) return []
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

  #deadSince = () => this.#ago(this.#leaseMs)

  #isLate = (eb: ExpressionBuilder<Pick<Tables, 'replicas'>, 'replicas'>) =>
    eb('seen_at', '<', this.#ago(this.#leaseMs / 2)).as('late')

  #ago = (ms: number) => sql<Date>`now() - ${ms} * interval '1 millisecond'`

  read = (row: ExchangeRow): ReturnType<typeof leftBehind> => leftBehind(this.#database.seal, row)
}
