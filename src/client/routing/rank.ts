import { sameAddress } from '../../base/hex.ts'
import { compare, type Offer } from '../offers.ts'
import { comparedPrice, kindsOfType, unitOfKind } from '../serviceTypes.ts'
import type { Needs, Preferences, Sort } from './preferences.ts'
import type { ProviderHealth } from './providerHealth.ts'

/** Whether an offer may be taken at all. What a provider does not say is not held against it. */
export function isWanted(
  { service, prices }: Pick<Offer, 'service' | 'prices'>,
  { maxPrice, maxUnitPrice, allow, deny }: Preferences,
  kind = 'chat',
): boolean {
  const isIn = (list: readonly string[]) => list.some((address) => sameAddress(address, service.provider))
  if (allow && !isIn(allow)) return false
  if (deny && isIn(deny)) return false
  const unit = unitOfKind(kind)
  if (unit !== 'token') return maxUnitPrice === undefined || (prices[unit] ?? 0n) <= maxUnitPrice
  return maxPrice === undefined || (prices.input <= maxPrice && prices.output <= maxPrice)
}

/** Whether a model can do what a request needs, as far as its provider says. */
export function isAble(offer: Offer, { kind, tools, vision, contextLength }: Needs): boolean {
  if (!(offer.kinds ?? kindsOfType(offer.service.serviceType)).includes(kind)) return false
  const unit = unitOfKind(kind)
  if (unit !== 'token' && offer.prices[unit] === undefined) return false
  if (tools && offer.tools === false) return false
  if (vision && offer.vision === false) return false
  return !(contextLength && offer.contextLength !== null && offer.contextLength < contextLength)
}

/**
 * Offers in the order in which to try them: those that failed a moment ago last, then by what is preferred, then by
 * price, then by address so that the order is always the same.
 */
export function rank(
  offers: readonly Offer[],
  { sort = 'price', kind }: { readonly sort?: Sort; readonly kind: string },
  health: ProviderHealth,
  now: number,
): Offer[] {
  const rests = ({ service }: Offer) => Number(health.isResting(service.provider, now))
  const latency = ({ service }: Offer) => health.latency(service.provider, now)
  const byPreference: Record<Sort, (a: Offer, b: Offer) => number> = {
    price: () => 0,
    latency: (a, b) => minus(latency(a), latency(b)),
    verifiability: (a, b) => trust(b) - trust(a) || minus(latency(a), latency(b)),
  }
  return offers.toSorted(
    (a, b) =>
      rests(a) - rests(b) ||
      byPreference[sort](a, b) ||
      compare(comparedPrice(a.prices, kind), comparedPrice(b.prices, kind)) ||
      (a.service.provider.toLowerCase() < b.service.provider.toLowerCase() ? -1 : 1),
  )
}

/** An acknowledged signer before none, announced weights before unnamed ones. */
const trust = ({ service, modelDigest }: Offer): number =>
  (service.teeSignerAcknowledged && service.verifiability !== '' ? 2 : 0) + (modelDigest === null ? 0 : 1)

const minus = (a: number, b: number): number => (a === b ? 0 : a - b)
