import { larger } from '../base/bigint.ts'
import { openReader } from './readLedger.ts'

/** What users owe that is not on chain. Neuron. */
export interface Owed {
  readonly total: bigint
  readonly users: number
  /** Of the user who owes most. */
  readonly most: bigint
}

/**
 * What is left in the ledger of a broker that has stopped.
 * @param database `sqlite:<file>` or `postgres://…`
 * @throws AppError `ledger_missing`
 */
export async function readOwed(database: string): Promise<Owed> {
  const reader = await openReader(database)
  try {
    const rows = await reader.rows<{ charged: string; paid: string }>('SELECT charged, paid FROM users')
    const owed = rows
      .map(({ charged, paid }) => BigInt(charged) - BigInt(paid))
      .filter((amount) => amount > 0n)
    return {
      total: owed.reduce((sum, amount) => sum + amount, 0n),
      users: owed.length,
      most: owed.reduce(larger, 0n),
    }
  } finally {
    await reader.close()
  }
}
