import { Kysely, PostgresDialect, type PostgresPool, SqliteDialect, type SqliteStatement } from 'kysely'
import { sqlite } from '../../../base/nodeSqlite.ts'
import { loadPg } from '../../ledger/postgres/pg.ts'
import { CONNECTION_PRAGMAS } from '../../ledger/sqlite/pragmas.ts'
import type { FineTuningTables } from './tables.ts'

const CONNECTIONS = 4

/** The broker's database, which the ledger has brought up to date, with the tables of fine-tuning. */
export function openDatabase(database: string): Kysely<FineTuningTables> {
  const dialect = database.startsWith('sqlite:')
    ? new SqliteDialect({ database: openSqlite(database.slice('sqlite:'.length)) })
    : new PostgresDialect({ pool: loadPg(database, CONNECTIONS) as unknown as PostgresPool })
  return new Kysely<FineTuningTables>({ dialect })
}

/** Node's SQLite as Kysely takes it. What is deleted is overwritten: keys of ended tasks leave no trace. */
function openSqlite(path: string) {
  const database = new sqlite.DatabaseSync(path)
  database.exec(`${CONNECTION_PRAGMAS}; PRAGMA secure_delete = ON`)
  const prepare = (text: string): SqliteStatement => {
    const statement = database.prepare(text)
    const values = (parameters: readonly unknown[]) => parameters as (string | number | null)[]
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...values(parameters)),
      run: (parameters) => statement.run(...values(parameters)),
      iterate: (parameters) => statement.iterate(...values(parameters)),
    }
  }
  return { prepare, close: () => database.close() }
}
