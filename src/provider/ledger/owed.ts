import type { StoredSettlement, UserTotals } from './ledger.ts'

/**
 * What is still to be taken from an account that was read at a moment told by its nonce, neuron. A settlement whose
 * nonce the account has is out of its balance already, booked or not; one whose nonce it has not is still in it.
 */
export function owedOf(
  { charged, paid }: UserTotals,
  settlements: Iterable<StoredSettlement>,
  accountNonce: bigint,
): bigint {
  let owed = charged - paid
  for (const { entry, state, paid: booked } of settlements) {
    const isTaken = entry.nonce <= accountNonce
    if (state === 'open' && isTaken) owed -= entry.totalFee
    if (state === 'done' && !isTaken) owed += booked
  }
  return owed
}
