import type { Offer } from '../offers.ts'
import type { BuyerSession } from '../session.ts'
import type { Catalogue, OfferQuery } from './catalogue.ts'
import { nothingSuitable } from './errors.ts'
import type { Needs, Preferences } from './preferences.ts'
import type { ProviderHealth } from './providerHealth.ts'
import { isWanted, rank } from './rank.ts'

/** Conversations whose provider is remembered. */
const MAX_CONVERSATIONS = 10_000
/** A conversation stays with its provider while that is no slower than twice the best and this, ms. */
const SLACK_MS = 100

export interface RouteQuery extends OfferQuery {
  readonly needs: Needs
  readonly preferences: Preferences
  /** Requests with the same text go to the same provider: its cache of the prompt is warm. */
  readonly conversation?: string
}

/** Says whom to ask, in which order. */
export class Router {
  readonly #session: BuyerSession
  readonly #catalogue: Catalogue
  readonly #health: ProviderHealth
  /** The provider of each conversation, newest last. */
  readonly #conversations = new Map<string, string>()

  constructor(session: BuyerSession, catalogue: Catalogue, health: ProviderHealth) {
    this.#session = session
    this.#catalogue = catalogue
    this.#health = health
  }

  /**
   * Offers to try in order.
   * @throws AppError `provider_unknown`, `model_unknown`, `no_provider`, `no_suitable_provider`
   */
  async route({ needs, preferences, conversation, ...query }: RouteQuery): Promise<Offer[]> {
    const found = await this.#catalogue.find(query, needs)
    if (query.provider !== undefined) return found
    const wanted = found.filter((offer) => isWanted(offer, preferences))
    if (wanted.length === 0) throw nothingSuitable(found.length)
    const now = this.#session.runtime.now()
    const ranked = rank(wanted, preferences.sort ?? 'price', this.#health, now)
    const kept = conversation === undefined ? undefined : this.#conversations.get(conversation)
    if (kept === undefined || !this.#isGoodEnough(kept, ranked, now)) return ranked
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
  failed({ service }: Offer): void {
    this.#health.failed(service.provider, this.#session.runtime.now())
    this.#catalogue.forget(service.provider)
  }
}
