import { AppError } from '../base/errors.ts'
import { sqlite } from '../base/nodeSqlite.ts'

/** Reads a ledger's tables beside a broker that may be running. Seals are not checked: it is for people to look at. */
export interface LedgerReader {
  /** @param query with `?` for each value */
  rows<T>(query: string, ...values: readonly number[]): Promise<T[]>
  close(): Promise<void>
}

/**
 * @param database `sqlite:<file>` or `postgres://…`
 * @throws AppError `ledger_missing`
 */
export const openReader = (database: string): Promise<LedgerReader> =>
  database.startsWith('sqlite:') ? sqliteReader(database.slice('sqlite:'.length)) : postgresReader(database)

async function sqliteReader(path: string): Promise<LedgerReader> {
  try {
    const database = new sqlite.DatabaseSync(path, { readOnly: true, timeout: 5000 })
    database.exec('SELECT seq FROM receipts LIMIT 0')
    return {
      rows: async <T>(query: string, ...values: readonly number[]) =>
        database.prepare(query).all(...values) as T[],
      close: async () => database.close(),
    }
  } catch (cause) {
    throw new AppError({
      code: 'ledger_missing',
      message: `There is no ledger at ${path}`,
      hint: 'Nothing was served from this folder yet, or it is another one: --data-dir, --config',
      next: '0g-compute provider serve',
      cause,
    })
  }
}

async function postgresReader(url: string): Promise<LedgerReader> {
  const { default: pg } = (await import('pg' as string)) as { default: PgModule }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    rows: async <T>(query: string, ...values: readonly number[]) => {
      let count = 0
      return (
        await client.query(
          query.replaceAll('?', () => `$${++count}`),
          values,
        )
      ).rows as T[]
    },
    close: () => client.end(),
  }
}

/** The part of the optional package `pg` that is used. */
interface PgModule {
  readonly Client: new (options: {
    connectionString: string
  }) => {
    connect(): Promise<void>
    query(text: string, values: readonly unknown[]): Promise<{ rows: object[] }>
    end(): Promise<void>
  }
}
