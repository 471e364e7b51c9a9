import { counted } from '../../base/counted.ts'
import { format0G } from '../../base/units.ts'
import type { Owed } from '../../provider/readOwed.ts'
import type { Context } from '../framework/context.ts'
import type { Input } from '../framework/input.ts'
import { alike } from './aboutBroker.ts'

/** How a broker ended: what users still owe, and why it was not settled. @param minimum who owes less waits, neuron */
export function howItEnded({ total, users, most }: Owed, minimum: bigint): string {
  if (total === 0n) return 'The broker has settled and stopped.'
  const what = `The broker has stopped. ${format0G(total)} 0G of ${counted(users, 'user')} ${users === 1 ? 'is' : 'are'} still owed`
  return most < minimum
    ? `${what}: less than the minimum of ${format0G(minimum)} 0G each, which is not settled by itself.`
    : `${what}: the chain did not take it now, or the account cannot pay it. The broker's log says which.`
}

/** What becomes of it. */
export function sayWhatStays(context: Context, input: Input, { total }: Owed): void {
  if (total === 0n) return
  context.out.note('The ledger keeps it. To bring it to the chain, start the broker and run provider settle:')
  context.out.next(alike(context, input, '0g-compute provider serve'))
}
