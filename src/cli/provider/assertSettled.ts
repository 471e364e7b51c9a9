import { counted } from '../../base/counted.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { readAdminFile } from '../../provider/admin/adminFile.ts'
import { readOpenTasks } from '../../provider/readOpenTasks.ts'
import { readOwed } from '../../provider/readOwed.ts'

/**
 * Makes sure that nothing is lost when a service is removed.
 * @param database `sqlite:<file>` or `postgres://…`
 * @throws AppError `provider_running`, `provider_not_settled`, `ledger_missing`
 */
export async function assertSettled(dataDir: string, database: string): Promise<void> {
  const pid = processOf(dataDir)
  if (pid !== null) throw running(dataDir, pid)
  const [{ total, users }, tasks] = await Promise.all([readOwed(database), readOpenTasks(database)]).catch(
    (thrown: unknown) => {
      throw withoutLedger(thrown)
    },
  )
  const left = [
    ...(total > 0n ? [`${format0G(total)} 0G of ${counted(users, 'user')} not settled`] : []),
    ...(tasks > 0 ? [`${counted(tasks, 'training')} not finished`] : []),
  ]
  if (left.length > 0) throw notSettled(left.join(', and '))
}

function processOf(dataDir: string): number | null {
  try {
    return readAdminFile(dataDir).pid
  } catch {
    return null
  }
}

/** Who never had one, or lost it, may leave all the same. */
function withoutLedger(thrown: unknown): unknown {
  if (!(thrown instanceof AppError && thrown.code === 'ledger_missing')) return thrown
  const hint =
    'So it is not known what users owe. Name its folder with --data-dir or --config; --force does not look'
  return new AppError({ ...thrown.toObject(), hint, next: '0g-compute provider leave --help', cause: thrown })
}

const running = (dataDir: string, pid: number): AppError =>
  new AppError({
    code: 'provider_running',
    message: `A broker runs from ${dataDir}, process ${pid}`,
    hint: 'Nothing was sent. Settle everything and stop it first; --force does not ask',
    next: '0g-compute provider stop --settle-all',
    exitCode: EXIT.usage,
  })

const notSettled = (what: string): AppError =>
  new AppError({
    code: 'provider_not_settled',
    message: `There is still ${what}`,
    hint: 'Nothing was sent. Without the service it may never be paid: start the broker, then provider stop --settle-all. --force gives it up',
    next: '0g-compute provider serve',
    exitCode: EXIT.usage,
  })
