import { format0G } from '../../base/units.ts'
import type { ListedKey } from '../../client/keys/apiKeys.ts'

/** `0.5 0G a day`. */
export const limitText = ({ limit }: Pick<ListedKey, 'limit'>): string =>
  limit ? `${format0G(BigInt(limit.amount))} 0G ${limit.per === 'day' ? 'a day' : 'in all'}` : 'none'

/** `0.1 of 0.5 0G today`: what is spent, where the provider tells it. */
export function spentText(key: ListedKey): string {
  const { limit, spent, state } = key
  if (!limit || state !== 'active') return limitText(key)
  if (!spent) return `${limitText(key)}, spent not told`
  const period = limit.per === 'day' ? 'today' : 'in all'
  return `${format0G(spent.amount)} of ${format0G(BigInt(limit.amount))} 0G ${period}`
}
