import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Tables } from './tables.ts'

/** Stands in a query for a value that is given each time it runs. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A statement compiled once: its text, and its parameters as constants or named values. */
export interface Prepared {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** Compiles, and runs nothing. */
export const coldDatabase = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

/** Compiles a query for SQLite; what it reads of `values` becomes a named value. */
export function prepare<Values extends object>(
  build: (db: Kysely<Tables>, values: Values) => Compilable,
): Prepared {
  const slots = new Proxy({}, { get: (_target, name) => new Slot(String(name)) }) as Values
  const { sql, parameters } = build(coldDatabase, slots).compile()
  return { sql, parameters }
}

/** A row whose columns are named values. */
export const slotRow = <Row>(columns: readonly (keyof Row & string)[]): Row =>
  Object.fromEntries(columns.map((column) => [column, new Slot(column)])) as Row

/** What SQLite stores. */
export type SqliteValue = string | number | null

/** The parameters of one run, in the statement's order. */
export const bind = ({ parameters }: Prepared, values: object): SqliteValue[] =>
  parameters.map((parameter) =>
    parameter instanceof Slot
      ? ((values as Record<string, SqliteValue>)[parameter.name] as SqliteValue)
      : (parameter as SqliteValue),
  )
