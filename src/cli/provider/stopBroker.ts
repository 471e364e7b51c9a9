import { counted } from '../../base/counted.ts'
import { format0G } from '../../base/units.ts'
import type { Broker } from '../../provider/broker.ts'
import { readOwed } from '../../provider/readOwed.ts'
import type { Context } from '../framework/context.ts'
import type { Input } from '../framework/input.ts'
import { howItEnded, sayWhatStays } from './howItEnded.ts'

/**
 * Ends a broker, and says on stderr what it waits for and what stays owed. The words delay nothing.
 * @param database `sqlite:<file>` or `postgres://…`
 */
export async function stopBroker(
  context: Context,
  input: Input,
  broker: Broker,
  database: string,
): Promise<void> {
  const { out } = context
  const said = whatIsLeft(broker).then(
    (left) => left && out.note(`Stopping: ${left}. Ctrl-C again ends it at once.`),
    () => {},
  )
  await broker.stop()
  await said
  const owed = await readOwed(database).catch(() => null)
  if (!owed) return
  out.note(howItEnded(owed, broker.control.minimumFee))
  sayWhatStays(context, input, owed)
}

/** What runs and what is owed, in one line; empty where there is nothing. */
async function whatIsLeft({ control, fineTuning }: Broker): Promise<string> {
  const { running, owed } = await control.status()
  const jobs = fineTuning?.slots.running ?? 0
  return [
    ...(running > 0 ? [`waiting for ${counted(running, 'request')}, 30 s at most`] : []),
    ...(jobs > 0 ? [`${counted(jobs, 'training')} ${jobs === 1 ? 'goes' : 'go'} on at the next start`] : []),
    ...(BigInt(owed) > 0n ? [`${format0G(BigInt(owed))} 0G is owed`] : []),
  ].join('; ')
}
