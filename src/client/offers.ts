import { AppError, EXIT } from '../base/errors.ts'
import { type Address, sameAddress } from '../base/hex.ts'
import { findService, listServices, type Service } from '../chain/inference.ts'
import { BrokerApi, type BrokerModel } from './brokerApi.ts'
import type { Session } from './session.ts'

/** A model at a provider, with what it costs. Prices in neuron per token. */
export interface Offer {
  readonly service: Service
  readonly model: string
  readonly prices: { readonly input: bigint; readonly output: bigint }
  readonly contextLength: number | null
  /** sha256 of the weights that the provider announces. */
  readonly modelDigest: string | null
}

export interface OfferQuery {
  readonly provider?: Address
  readonly model?: string
}

const CHAT = 'chatbot'
/** A provider that does not list its models in this time is passed over, ms. */
const PROBE_TIMEOUT_MS = 5_000

/** Services on chain, cheapest first. */
export async function listProviders(session: Session): Promise<Service[]> {
  const services = await listServices(session.inference)
  return services.sort(byPrice)
}

/** @throws AppError `provider_unknown` */
export async function getProvider(session: Session, provider: Address): Promise<Service> {
  const service = await findService(session.inference, provider)
  if (!service) throw providerUnknown(provider, session.network.name)
  return service
}

/** Everything that one service sells. @throws AppError `provider_unreachable`, `provider_slow` */
export async function listOffers(session: Session, service: Service): Promise<Offer[]> {
  const models = await new BrokerApi(session.runtime, service.url).models(PROBE_TIMEOUT_MS)
  return models.length > 0 ? models.map((model) => offerOf(service, model)) : [offerOnChain(service)]
}

/** Every model of every provider that answers, cheapest first. */
export async function listModels(session: Session): Promise<Offer[]> {
  const services = await listProviders(session)
  const lists = await Promise.all(services.map((service) => listOffers(session, service).catch(() => [])))
  return lists.flat().sort((a, b) => compare(sum(a.prices), sum(b.prices)))
}

/**
 * Picks what to ask: the named provider, or the cheapest that has the model and answers.
 * @throws AppError `provider_unknown`, `model_unknown`, `no_provider`, `provider_unreachable`
 */
export async function pickOffer(session: Session, query: OfferQuery): Promise<Offer> {
  if (query.provider !== undefined) {
    const service = await getProvider(session, query.provider)
    return chooseModel(await listOffers(session, service), service, query.model)
  }
  const services = (await listProviders(session)).filter(({ serviceType }) => serviceType === CHAT)
  if (services.length === 0) throw noProvider(session.network.name)
  const usable = services.filter(({ teeSignerAcknowledged }) => teeSignerAcknowledged)
  return pickAmong(session, usable.length > 0 ? usable : services, query.model)
}

/** Those that name the model on chain come first; the others may sell it beside their own. */
async function pickAmong(session: Session, services: readonly Service[], model?: string): Promise<Offer> {
  const named = services.filter((service) => model === undefined || service.model === model)
  let failure: unknown
  for (const service of named) {
    try {
      return chooseModel(await listOffers(session, service), service, model)
    } catch (error) {
      failure = error
    }
  }
  if (model === undefined) throw failure
  const offers = await listModels(session)
  const offer = offers.find((candidate) => candidate.model === model)
  if (offer) return offer
  throw failure ?? modelUnknown(model, [...new Set(offers.map((candidate) => candidate.model))])
}

function chooseModel(offers: readonly Offer[], service: Service, model?: string): Offer {
  const wanted = model ?? service.model
  const offer = offers.find((candidate) => candidate.model === wanted)
  if (offer) return offer
  if (model === undefined && offers[0]) return offers[0]
  throw modelUnknown(
    wanted,
    offers.map((candidate) => candidate.model),
    service.provider,
  )
}

const offerOf = (service: Service, model: BrokerModel): Offer => ({
  service,
  model: model.id,
  prices: model.prices ?? { input: service.inputPrice, output: service.outputPrice },
  contextLength: model.contextLength,
  modelDigest: model.digest,
})

const offerOnChain = (service: Service): Offer => ({
  service,
  model: service.model,
  prices: { input: service.inputPrice, output: service.outputPrice },
  contextLength: null,
  modelDigest: null,
})

const byPrice = (a: Service, b: Service): number =>
  compare(a.inputPrice + a.outputPrice, b.inputPrice + b.outputPrice)

const sum = ({ input, output }: Offer['prices']): bigint => input + output

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/** Whether a service belongs to this provider. */
export const isServiceOf = (service: Service, provider: Address): boolean =>
  sameAddress(service.provider, provider)

const providerUnknown = (provider: Address, network: string): AppError =>
  new AppError({
    code: 'provider_unknown',
    message: `There is no provider ${provider} on ${network}`,
    hint: 'It never registered, or it has left. Is it the right network?',
    next: '0g-compute provider list',
    exitCode: EXIT.failed,
  })

const noProvider = (network: string): AppError =>
  new AppError({
    code: 'no_provider',
    message: `Nobody sells chat on ${network}`,
    hint: 'Is it the right network? On a devnet, start a provider',
    next: network === 'devnet' ? '0g-compute devnet up' : '0g-compute network list',
  })

const modelUnknown = (model: string, known: readonly string[], provider?: Address): AppError =>
  new AppError({
    code: 'model_unknown',
    message: provider
      ? `Provider ${provider} does not sell the model "${model}"`
      : `No provider sells the model "${model}"`,
    hint:
      known.length > 0 ? `There are: ${known.slice(0, 10).join(', ')}` : 'No provider answers at the moment',
    next: '0g-compute provider list',
  })
