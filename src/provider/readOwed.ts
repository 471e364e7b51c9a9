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
export const readOwed = async (database: string): Promise<Owed> => owedIn(await readDebts(database))

/**
 * What those owe who owe less than a minimum, neuron: a user who leaves now pays nothing of it.
 * @param database `sqlite:<file>` or `postgres://…`
 * @throws AppError `ledger_missing`
 */
export const readOwedBelow = async (database: string, minimum: bigint): Promise<Owed> =>
  owedIn((await readDebts(database)).filter((amount) => amount < minimum))

/** Of each user who owes anything. */
async function readDebts(database: string): Promise<bigint[]> {
  const reader = await openReader(database)
  try {
    const rows = await reader.rows<{ charged: string; paid: string }>('SELECT charged, paid FROM users')
    return rows.map(({ charged, paid }) => BigInt(charged) - BigInt(paid)).filter((amount) => amount > 0n)
  } finally {
    await reader.close()
  }
}

const owedIn = (debts: readonly bigint[]): Owed => ({
  total: debts.reduce((sum, amount) => sum + amount, 0n),
  users: debts.length,
  most: debts.reduce(larger, 0n),
})
