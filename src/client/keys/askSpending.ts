import type { Address } from '../../base/hex.ts'
import { BrokerApi, type KeySpent } from '../brokerApi.ts'
import { abilitiesOf } from '../capabilities/abilitiesOf.ts'
import { getProvider } from '../offers.ts'
import { requireAccount, type Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'

/**
 * What keys with a limit have spent at a provider, by their ids. It is the provider's word; receipts are the proof.
 * @returns null where the provider does not say; a key that is not among them has spent nothing
 */
export async function askSpending(
  session: Session,
  tokens: SessionTokens,
  provider: Address,
  generation: number,
): Promise<Map<string, KeySpent> | null> {
  try {
    const service = await getProvider(session, provider)
    const abilities = await abilitiesOf(session, service)
    const credential = await tokens.get(provider, generation, abilities)
    const broker = new BrokerApi(session.runtime, service.url)
    return await broker.keySpending(requireAccount(session).address, credential)
  } catch {
    return null
  }
}
