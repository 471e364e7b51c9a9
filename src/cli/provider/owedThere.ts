import { counted } from '../../base/counted.ts'
import { AppError } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { readOwed } from '../../provider/readOwed.ts'

/** An error about a ledger that another key wrote, with what users still owe in it: any other as it is. */
export async function owedThere(error: AppError, database: () => string): Promise<AppError> {
  if (error.code !== 'ledger_key_changed') return error
  const { total, users } = await readOwed(database())
  if (total === 0n) return error
  const { exitCode, status, cause } = error
  const hint = `${counted(users, 'user')} still ${users === 1 ? 'owes' : 'owe'} ${format0G(total)} 0G in it. ${error.hint}`
  return new AppError({ ...error.toObject(), hint, exitCode, status, cause })
}
