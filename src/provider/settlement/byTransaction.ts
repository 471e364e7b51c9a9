import type { Hex } from '../../base/hex.ts'
import type { StoredSettlement } from '../ledger/settlements.ts'

/** Those that were sent, by the newest transaction that carries them. */
export function byTransaction(settlements: readonly StoredSettlement[]): Map<Hex, StoredSettlement[]> {
  const groups = new Map<Hex, StoredSettlement[]>()
  for (const settlement of settlements) {
    if (settlement.txHash === null) continue
    groups.set(settlement.txHash, [...(groups.get(settlement.txHash) ?? []), settlement])
  }
  return groups
}
