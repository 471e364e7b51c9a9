import { format0G } from '../../base/units.ts'
import type { ListedKey } from '../../client/keys/apiKeys.ts'

/** `0.5 0G a day`. */
export const limitText = ({ limit }: Pick<ListedKey, 'limit'>): string =>
  limit ? `${format0G(BigInt(limit.amount))} 0G ${limit.per === 'day' ? 'a day' : 'in all'}` : 'none'

/** What is known of what it has spent of its limit. */
export function spentText({ limit, spent, state }: ListedKey): string {
  if (!limit || state !== 'active') return ''
  return spent ? `${format0G(spent.amount)} 0G` : 'not told'
}
