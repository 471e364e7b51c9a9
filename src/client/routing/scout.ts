import type { Offer } from '../offers.ts'
import type { ProviderHealth } from './providerHealth.ts'

/** Requests at the beginning that may go to find out who is fast. */
const FIRST_LOOKS = 6
/** And later, of all. */
const SHARE = 0.02
/** Where no money was found it is looked for again after so long, ms. */
const NO_MONEY_MS = 5 * 60_000

/**
 * Decides when a request goes to a provider of whose speed little is known, though another seems faster: who was
 * slow once may be the fastest. Few do, and nothing is paid in for it.
 */
export class Scout {
  readonly #health: ProviderHealth
  #requests = 0
  #looks = 0
  /** When no money was found at a provider. */
  readonly #withoutMoney = new Map<string, number>()

  constructor(health: ProviderHealth) {
    this.#health = health
  }

  /** The offers in the order in which to try them. @param hasMoney whether the user has enough there */
  async order(
    ranked: readonly Offer[],
    hasMoney: (offer: Offer) => Promise<boolean>,
    now: number,
  ): Promise<readonly Offer[]> {
    this.#requests++
    if (this.#looks >= FIRST_LOOKS + this.#requests * SHARE) return ranked
    const candidate = this.#candidate(ranked, now)
    if (!candidate) return ranked
    this.#looks++
    if (!(await hasMoney(candidate).catch(() => false))) {
      this.#looks--
      this.#withoutMoney.set(candidate.service.provider, now)
      return ranked
    }
    return [candidate, ...ranked.filter((offer) => offer !== candidate)]
  }

  /** Who may be faster than the first, most of all. */
  #candidate([first, ...others]: readonly Offer[], now: number): Offer | undefined {
    const best = this.#health.latency(first!.service.provider, now)
    const hope = ({ service }: Offer) => this.#health.hope(service.provider, now)
    return others
      .filter((offer) => hope(offer) < best && this.#mayBeAsked(offer, now))
      .sort((a, b) => hope(a) - hope(b))[0]
  }

  #mayBeAsked({ service: { provider } }: Offer, now: number): boolean {
    if (this.#health.isResting(provider, now)) return false
    return now - (this.#withoutMoney.get(provider) ?? Number.NEGATIVE_INFINITY) > NO_MONEY_MS
  }
}
