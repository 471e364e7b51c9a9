import { isUnattested } from '../../attestation/signers.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Service } from '../../chain/inference.ts'
import { getProvider, listOffers, listProviders, type Offer } from '../offers.ts'
import { inferenceServices, sellersOf } from '../serviceTypes.ts'
import type { BuyerSession } from '../session.ts'
import { kindNotSold, modelUnknown, noProvider, onlyUnattested } from './errors.ts'
import type { Needs } from './preferences.ts'
import type { ProviderHealth } from './providerHealth.ts'
import { isAble } from './rank.ts'
import { Remembered } from './remembered.ts'

/** Providers of each type that are asked what they sell, the cheapest first. */
const MAX_PROBED = 32
/** What was read holds this long, ms. A price that has risen meanwhile is refused by the broker before it counts. */
const SERVICES_HOLD_MS = 30_000
const OFFERS_HOLD_MS = 30_000
/** What an earlier process read holds this long, ms: what has changed is found out, and then all is read anew. */
const KEPT_MS = 5 * 60_000

/** What the name of an adapter begins with; only its owner may use it, and no list names it. */
const ADAPTER = 'ft-'

/** Who serves an adapter of this user's, or null. */
export type AdapterHome = (adapter: string) => Promise<Address | null>

export interface OfferQuery {
  readonly provider?: Address
  readonly model?: string
}

/** Who sells what, as read a moment ago. */
export class Catalogue {
  readonly #session: BuyerSession
  readonly #health: ProviderHealth
  readonly #services: Remembered<Service[]>
  readonly #named: Remembered<Service>
  readonly #offers: Remembered<Offer[]>
  readonly #servedBy: AdapterHome

  constructor(session: BuyerSession, health: ProviderHealth, servedBy: AdapterHome = async () => null) {
    const now = () => session.runtime.now()
    this.#session = session
    this.#health = health
    this.#servedBy = servedBy
    const { cache } = session
    const kept = { keptMs: KEPT_MS, cache }
    this.#services = new Remembered({ ...kept, holdMs: SERVICES_HOLD_MS, name: 'services' }, now)
    this.#named = new Remembered({ ...kept, holdMs: SERVICES_HOLD_MS, name: 'service' }, now)
    this.#offers = new Remembered({ ...kept, holdMs: OFFERS_HOLD_MS, name: 'offers' }, now)
  }

  /**
   * Every offer that a query means.
   * @throws AppError `provider_unknown`, `model_unknown`, `no_provider`, `provider_unreachable`
   */
  async find({ model, ...query }: OfferQuery, needs: Needs): Promise<Offer[]> {
    const provider = query.provider ?? (await this.#homeOf(model))
    if (provider !== undefined) {
      const service = await this.#named.get(provider.toLowerCase(), () =>
        getProvider(this.#session, provider),
      )
      return [this.#choose(await this.#offersOf(service), service, model, needs)]
    }
    const services = await this.#sellers(needs.kind)
    const named = services.filter((service) => model === undefined || service.model === model)
    const found = await Promise.all(
      named.slice(0, MAX_PROBED).map((service) => this.#tryService(service, model, needs)),
    )
    const offers = found.filter((result): result is Offer => result !== null && !(result instanceof AppError))
    if (offers.length > 0) return offers
    const failure = found.find((result) => result instanceof AppError)
    if (model === undefined) throw failure ?? this.#nobodySells(needs)
    return this.#sellersBeside(services, model, needs, failure)
  }

  async #homeOf(model: string | undefined): Promise<Address | undefined> {
    if (!model?.startsWith(ADAPTER)) return undefined
    return (await this.#servedBy(model)) ?? undefined
  }

  /** Every model of every provider that answers. */
  async all(): Promise<Offer[]> {
    return this.#offersOfAll(usable(inferenceServices(await this.#registered())))
  }

  /** What is known of a provider is read again next time: something turned out to be different. */
  forget(provider: Address): void {
    this.#named.forget(provider.toLowerCase())
    this.#offers.forget(provider.toLowerCase())
    this.#services.forget('')
  }

  /** Forgets what an earlier process read. @returns whether there was any */
  forgetKept(): boolean {
    return [this.#named, this.#offers, this.#services].map((kept) => kept.forgetKept()).includes(true)
  }

  /** Services that may sell what is needed, the cheapest first. */
  async #sellers(kind: string): Promise<readonly Service[]> {
    const sellers = sellersOf(await this.#registered(), kind)
    const services = usable(sellers)
    if (services.length === 0 && sellers[0]) throw onlyUnattested(sellers[0].provider)
    if (services.length === 0) throw this.#nobodySells({ kind })
    return services
  }

  #nobodySells({ kind }: Needs): AppError {
    return noProvider(this.#session.network.name, kind)
  }

  #registered(): Promise<Service[]> {
    return this.#services.get('', () => listProviders(this.#session))
  }

  async #offersOfAll(services: readonly Service[]): Promise<Offer[]> {
    const byType = [...Map.groupBy(services, ({ serviceType }) => serviceType).values()]
    const probed = byType.flatMap((group) => group.slice(0, MAX_PROBED))
    const lists = await Promise.all(probed.map((service) => this.#offersOf(service).catch(() => [])))
    return lists.flat()
  }

  /** Those that sell a model beside the one that they name on chain. */
  async #sellersBeside(
    services: readonly Service[],
    model: string,
    needs: Needs,
    failure: AppError | undefined,
  ): Promise<Offer[]> {
    const offers = await this.#offersOfAll(services)
    const beside = offers.filter((offer) => offer.model === model && isAble(offer, needs))
    if (beside.length > 0) return beside
    const able = offers.filter((offer) => sells(offer, needs))
    const silent = services.filter(
      ({ provider }) => !offers.some(({ service }) => service.provider === provider),
    )
    const known = new Set([...able, ...silent].map((other) => other.model))
    throw failure ?? (known.size > 0 ? modelUnknown(model, [...known]) : this.#nobodySells(needs))
  }

  /** Its offer, why there is none, or null where it sells nothing of the kind. */
  async #tryService(
    service: Service,
    model: string | undefined,
    needs: Needs,
  ): Promise<Offer | AppError | null> {
    try {
      const offers = await this.#offersOf(service)
      return offers.some((offer) => sells(offer, needs)) ? this.#choose(offers, service, model, needs) : null
    } catch (error) {
      if (error instanceof AppError) return error
      throw error
    }
  }

  #offersOf(service: Service): Promise<Offer[]> {
    return this.#offers.get(service.provider.toLowerCase(), async () => {
      const startedAt = this.#session.runtime.now()
      const offers = await listOffers(this.#session, service)
      this.#health.probed(service.provider, this.#session.runtime.now() - startedAt)
      return offers
    })
  }

  /** The model that is meant: the one named, else the service's own, else one that can do it. */
  #choose(offers: readonly Offer[], service: Service, model: string | undefined, needs: Needs): Offer {
    const able = offers.filter((offer) => isAble(offer, needs))
    const wanted = model ?? service.model
    const offer =
      able.find((candidate) => candidate.model === wanted) ??
      (model === undefined ? able[0] : adapterOf(able, wanted))
    if (offer) return offer
    if (!offers.some((other) => sells(other, needs))) throw kindNotSold(needs.kind, service.provider)
    throw modelUnknown(
      wanted,
      able.map((candidate) => candidate.model),
      service.provider,
    )
  }
}

/** Whether it is of the kind that is asked for, whatever else it can or cannot do. */
const sells = (offer: Offer, { kind }: Needs): boolean => isAble(offer, { kind })

/** Where any signer is acknowledged, only those. Who has no TEE has to be named. */
function usable(all: readonly Service[]): readonly Service[] {
  const services = all.filter((service) => !isUnattested(service))
  const acknowledged = services.filter(({ teeSignerAcknowledged }) => teeSignerAcknowledged)
  return acknowledged.length > 0 ? acknowledged : services
}

/** An adapter costs at most what the dearest of the provider's models costs, which is what is on chain. */
function adapterOf([any]: readonly Offer[], adapter: string): Offer | undefined {
  if (!any || !adapter.startsWith(ADAPTER)) return undefined
  const { inputPrice: input, outputPrice: output } = any.service
  return { ...any, model: adapter, modelDigest: null, prices: { input, output } }
}
