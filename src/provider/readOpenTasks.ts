import { openReader } from './readLedger.ts'

/**
 * How many trainings of a broker have not come to their end.
 * @param database `sqlite:<file>` or `postgres://…`
 * @throws AppError `ledger_missing`
 */
export async function readOpenTasks(database: string): Promise<number> {
  const reader = await openReader(database)
  try {
    const query = "SELECT COUNT(*) AS tasks FROM finetune_tasks WHERE state NOT IN ('Finished', 'Failed')"
    const [row] = await reader.rows<{ tasks: number | string }>(query)
    return Number(row!.tasks)
  } finally {
    await reader.close()
  }
}
