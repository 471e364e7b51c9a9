import type { StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { sqlite } from '../../../base/nodeSqlite.ts'
import { CONNECTION_PRAGMAS } from './pragmas.ts'
import type { Write } from './statements.ts'

/** Why a batch is not on disk, or null when it is. */
export type BatchResult = { readonly error: string | null }

// The thread that waits for the disk, so that the broker's event loop does not.
const { path, texts } = workerData as { readonly path: string; readonly texts: Record<string, string> }
const database = new sqlite.DatabaseSync(path)
database.exec(CONNECTION_PRAGMAS)
const statements = new Map<string, StatementSync>(
  Object.entries(texts).map(([name, sql]) => [name, database.prepare(sql)]),
)

parentPort?.on('message', (batch: readonly Write[] | 'close') => {
  if (batch === 'close') return close()
  parentPort?.postMessage(commit(batch))
})

function commit(batch: readonly Write[]): BatchResult {
  try {
    database.exec('BEGIN IMMEDIATE')
    for (const [name, ...parameters] of batch) statements.get(name)!.run(...parameters)
    database.exec('COMMIT')
    return { error: null }
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

function close(): void {
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  parentPort?.close()
}
