import { ONE_0G } from '../../base/units.ts'
import type { Context } from './context.ts'

/** What `devnet fund` gives when no amount is named, 0G. */
export const DEVNET_GIFT = 1000n

/**
 * The command by which the wallet of this call gets money: a devnet makes it.
 * @param missing neuron
 */
export async function wayToMoney(context: Pick<Context, 'network' | 'key'>, missing = 0n): Promise<string> {
  if (context.network.kind !== 'devnet') return '0g-compute wallet show'
  const { wallet, address } = await context.key()
  const amount = missing > DEVNET_GIFT * ONE_0G ? ` ${missing / ONE_0G + 1n}` : ''
  return `0g-compute devnet fund ${wallet ?? address}${amount}`
}
