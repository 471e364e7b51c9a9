import type { Service } from '../../chain/inference.ts'
import { BrokerApi } from '../brokerApi.ts'
import type { BuyerSession } from '../session.ts'
import { type Abilities, abilitiesIn } from './abilities.ts'
import type { CapabilityOwner } from './capabilityStore.ts'

/**
 * What a broker can do, where its evidence is not looked at, as for reading receipts: what was accepted of it before,
 * else its own word.
 * @throws AppError `provider_unreachable`, `provider_slow`
 */
export async function abilitiesOf(
  session: BuyerSession,
  service: Pick<Service, 'provider' | 'url'>,
): Promise<Abilities> {
  const seen = await session.capabilities.seen(capabilityOwner(session, service))
  return abilitiesIn(seen ?? (await new BrokerApi(session.runtime, service.url).capabilities()))
}

export const capabilityOwner = (
  { network }: Pick<BuyerSession, 'network'>,
  { provider }: Pick<Service, 'provider'>,
): CapabilityOwner => ({ chainId: network.chainId, contract: network.inference, provider })
