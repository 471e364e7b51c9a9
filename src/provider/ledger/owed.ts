import { larger } from '../../base/bigint.ts'
import type { UserAccount } from './account.ts'
import type { SeenAccount } from './ledger.ts'
import type { StoredSettlement } from './settlements.ts'

/**
 * What is still to be taken from an account as it was read, neuron. Its nonce tells which deltas are out of its
 * balance already, booked or not, and its settled total what batches took before it was read.
 */
export function owedOf(
  { charged, paid, settled }: Pick<UserAccount, 'charged' | 'paid' | 'settled'>,
  settlements: Iterable<StoredSettlement>,
  seen: SeenAccount,
): bigint {
  let owed = charged - paid + settled - (seen.settled ?? settled)
  for (const { entry, state, paid: booked } of settlements) {
    const isTaken = entry.nonce <= seen.nonce
    if (state === 'open' && isTaken) owed -= entry.totalFee
    if (state === 'done' && !isTaken) owed += booked
  }
  return larger(owed, 0n)
}
