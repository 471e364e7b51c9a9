import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { Service } from '../chain/inference.ts'
import { BrokerApi, type BrokerModel } from './brokerApi.ts'
import type { DollarPrices, PriceTier } from './priceTiers.ts'
import { comparedPrice, inferenceServices, type OfferPrices, registeredPrices } from './serviceTypes.ts'
import type { BuyerSession } from './session.ts'

/** A model at a provider, with what it costs. */
export interface Offer {
  readonly service: Service
  readonly model: string
  readonly prices: OfferPrices
  readonly contextLength: number | null
  /** sha256 of the weights that the provider announces. */
  readonly modelDigest: string | null
  /** What it can be asked for, whether it takes tools and images; null where the provider does not say. */
  readonly kinds: readonly string[] | null
  readonly tools: boolean | null
  readonly vision: boolean | null
  /** By the prompt's size, where the price depends on it. */
  readonly tiers?: readonly PriceTier[]
  /** Where the provider fixes its price in dollars. */
  readonly usd?: DollarPrices
}

/** A provider that does not list its models in this time is passed over, ms. */
const PROBE_TIMEOUT_MS = 5_000

/** Services on chain, cheapest first. */
export async function listProviders(session: BuyerSession): Promise<Service[]> {
  const { inference } = await session.connected()
  const { listServices } = await import('../chain/inference.ts')
  const services = await listServices(inference)
  return services.sort(byPrice)
}

/** @throws AppError `provider_unknown` */
export async function getProvider(session: BuyerSession, provider: Address): Promise<Service> {
  const { inference } = await session.connected()
  const { findService } = await import('../chain/inference.ts')
  const service = await findService(inference, provider)
  if (!service) throw providerUnknown(provider, session.network.name)
  return service
}

/** Everything that one service sells. @throws AppError `provider_unreachable`, `provider_slow` */
export async function listOffers(session: BuyerSession, service: Service): Promise<Offer[]> {
  const models = await new BrokerApi(session.runtime, service.url).models(PROBE_TIMEOUT_MS)
  return models.length > 0 ? models.map((model) => offerOf(service, model)) : [offerOnChain(service)]
}

/** Every model of every provider that answers, cheapest first. */
export async function listModels(session: BuyerSession): Promise<Offer[]> {
  const services = inferenceServices(await listProviders(session))
  const lists = await Promise.all(services.map((service) => listOffers(session, service).catch(() => [])))
  return lists.flat().sort((a, b) => compare(priceOf(a), priceOf(b)))
}

const offerOf = (service: Service, model: BrokerModel): Offer => ({
  service,
  model: model.id,
  prices: model.prices ?? registeredPrices(service),
  contextLength: model.contextLength,
  modelDigest: model.digest,
  kinds: model.kinds,
  tools: model.tools,
  vision: model.vision,
  ...(model.tiers && { tiers: model.tiers }),
  ...(model.usd && { usd: model.usd }),
})

const offerOnChain = (service: Service): Offer => ({
  service,
  model: service.model,
  prices: registeredPrices(service),
  contextLength: null,
  modelDigest: null,
  kinds: null,
  tools: null,
  vision: null,
})

const byPrice = (a: Service, b: Service): number =>
  compare(a.inputPrice + a.outputPrice, b.inputPrice + b.outputPrice)

/** What a model is for where nothing else is asked: text, if it makes any. */
export const mainKind = ({ prices }: Pick<Offer, 'prices'>): string => {
  if (prices.input > 0n || prices.output > 0n) return 'chat'
  if (prices.image !== undefined) return 'image'
  return prices.second === undefined ? 'chat' : 'transcription'
}

/** What offers are put in order by, neuron. */
export const priceOf = (offer: Offer): bigint => comparedPrice(offer.prices, mainKind(offer))

export const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

const providerUnknown = (provider: Address, network: string): AppError =>
  new AppError({
    code: 'provider_unknown',
    message: `There is no provider ${provider} on ${network}`,
    hint: 'It never registered, or it has left. Is it the right network?',
    next: '0g-compute provider list',
    exitCode: EXIT.failed,
  })
