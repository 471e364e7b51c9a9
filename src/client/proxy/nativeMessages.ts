import { AppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import type { Buyer, GatewayReply } from '../gateway/gateway.ts'
import { isAble } from '../routing/rank.ts'
import { toError } from './anthropic.ts'
import { modelOf, parseRequest } from './chatShape.ts'
import type { Dialect, PlainRequest } from './dialects.ts'

export const MESSAGES = '/v1/messages'

/** What engines answer to an endpoint that they have not. */
const LACKING = [404, 405, 501]

/** Anthropic's Messages as they are, where all that could be asked have them. */
export class NativeMessages {
  readonly #buyer: Buyer
  readonly #defaults: { readonly model?: string; readonly provider?: Address }
  /** Models whose engine has turned out not to have them, whatever its broker says. */
  readonly #lacking = new Set<string>()

  constructor(buyer: Buyer, defaults: { readonly model?: string; readonly provider?: Address }) {
    this.#buyer = buyer
    this.#defaults = defaults
  }

  /** The request for an engine that has them, or null where it is to be translated. */
  async dialectFor(request: PlainRequest): Promise<Dialect | null> {
    if (request.method !== 'POST' || request.path !== MESSAGES) return null
    const asked = parseRequest(request.body)
    const body = { ...asked, model: modelOf(asked) }
    const model = this.#nameOf(body.model)
    if (!(await this.#isServed(model))) return null
    return {
      request: { ...request, body: JSON.stringify(body) },
      isOpenAi: false,
      reply: (reply: GatewayReply) => reply,
      error: toError,
      isLacking: (error) => this.#isLacking(error, model),
    }
  }

  /** Its model is translated for from then on. */
  #isLacking(error: unknown, model: string): boolean {
    if (!(error instanceof AppError) || !LACKING.includes(error.status)) return false
    this.#lacking.add(model)
    return true
  }

  async #isServed(model: string): Promise<boolean> {
    if (this.#lacking.has(model)) return false
    const { provider } = this.#defaults
    // Whoever cannot be asked now is said where it is bought.
    const offered = await this.#buyer.offered().catch(() => [])
    const offers = offered.filter(
      (offer) =>
        (model === '' || offer.model === model) &&
        (provider === undefined || sameAddress(provider, offer.service.provider)) &&
        isAble(offer, { kind: 'chat' }),
    )
    return offers.length > 0 && offers.every(({ kinds }) => kinds?.includes('messages'))
  }

  /** Empty where any model will do. */
  #nameOf(model: unknown): string {
    const named = typeof model === 'string' && model !== 'auto' ? model : ''
    return named || (this.#defaults.model ?? '')
  }
}
