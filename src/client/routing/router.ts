import type { Offer } from '../offers.ts'
import type { BuyerSession } from '../session.ts'
import type { Catalogue, OfferQuery } from './catalogue.ts'
import { nothingSuitable } from './errors.ts'
import type { Needs, Preferences } from './preferences.ts'
import type { ProviderHealth } from './providerHealth.ts'
import { isWanted, rank } from './rank.ts'
import { Scout } from './scout.ts'

/** Conversations whose provider is remembered. */
const MAX_CONVERSATIONS = 10_000
/** A conversation stays with its provider while that is no slower than twice the best and this, ms. */
const SLACK_MS = 100

export interface RouteQuery extends OfferQuery {
  readonly needs: Needs
  readonly preferences: Preferences
  /** Requests with the same text go to the same provider: its cache of the prompt is warm. */
  readonly conversation?: string
  /** Whether the user has enough money at a provider: only there speeds are found out. */
  readonly hasMoney?: (offer: Offer) => Promise<boolean>
}

/** Says whom to ask, in which order. */
export class Router {
  readonly #session: BuyerSession
  readonly #catalogue: Catalogue
  readonly #health: ProviderHealth
  readonly #scout: Scout
  /** The provider of each conversation, newest last. */
  readonly #conversations = new Map<string, string>()

  constructor(session: BuyerSession, catalogue: Catalogue, health: ProviderHealth) {
    this.#session = session
    this.#catalogue = catalogue
    this.#health = health
    this.#scout = new Scout(health)
  }

  /**
   * Offers to try in order.
   * @throws AppError `provider_unknown`, `model_unknown`, `no_provider`, `no_suitable_provider`
   */
  async route({
    needs,
    preferences,
    conversation,
    hasMoney,
    ...query
  }: RouteQuery): Promise<readonly Offer[]> {
    const found = await this.#catalogue.find(query, needs)
    const wanted = found.filter((offer) => isWanted(offer, preferences, needs.kind))
    if (wanted.length === 0) throw nothingSuitable(found.length)
    if (query.provider !== undefined) return wanted
    const now = this.#session.runtime.now()
    const ranked = rank(wanted, { ...preferences, kind: needs.kind }, this.#health, now)
    const kept = conversation === undefined ? undefined : this.#conversations.get(conversation)
    if (kept === undefined || !this.#isGoodEnough(kept, ranked, now))
      return hasMoney && preferences.sort === 'latency' ? this.#scout.order(ranked, hasMoney, now) : ranked
    return ranked.toSorted(
      (a, b) => Number(b.service.provider === kept) - Number(a.service.provider === kept),
    )
  }

  /** A warm cache is worth a little: who rests, or has become much slower than the first choice, loses the rest too. */
  #isGoodEnough(kept: string, ranked: readonly Offer[], now: number): boolean {
    if (this.#health.isResting(kept, now)) return false
    const best = this.#health.latency(ranked[0]!.service.provider, now)
    return !(this.#health.latency(kept, now) > 2 * best + SLACK_MS)
  }

  /** An answer began. */
  succeeded({ service }: Offer, firstTextMs: number, conversation: string | undefined): void {
    this.#health.succeeded(service.provider, firstTextMs, this.#session.runtime.now())
    if (conversation === undefined) return
    this.#conversations.delete(conversation)
    this.#conversations.set(conversation, service.provider)
    if (this.#conversations.size > MAX_CONVERSATIONS) {
      this.#conversations.delete(this.#conversations.keys().next().value!)
    }
  }

  /** Forgets what an earlier process read of who sells what. @returns whether there was any */
  forgetKept(): boolean {
    return this.#catalogue.forgetKept()
  }

  /** The provider did not answer, or not as it should. */
  failed(offer: Offer): void {
    this.#health.failed(offer.service.provider, this.#session.runtime.now())
    this.changed(offer)
  }

  /** The provider sells on other terms than those that were read. */
  changed({ service }: Offer): void {
    this.#catalogue.forget(service.provider)
  }
}
