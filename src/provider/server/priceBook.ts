import { larger } from '../../base/bigint.ts'
import { AppError } from '../../base/errors.ts'
import type { Multipliers, Prices, UnitClass } from '../../protocol/pricing.ts'
import { multipliersFor, type PriceTier, sortedTiers } from './priceTiers.ts'
import type { InferenceKind } from './route.ts'

/** Neuron per token; of models that are not priced by the token, per image or second of audio. */
export interface TokenPrices {
  readonly input: bigint
  readonly output: bigint
  /** For prompt tokens from the engine's cache; without it they cost as much as others. */
  readonly cachedInput?: bigint
  readonly image?: bigint
  readonly second?: bigint
}

/** Who was charged this much in all, neuron, pays so many percent less from then on. */
export interface VolumeDiscount {
  readonly from: bigint
  readonly percent: number
}

export interface PriceOptions extends TokenPrices {
  /** Other prices for single models, by id. */
  readonly models?: Readonly<Record<string, TokenPrices>>
  readonly volume?: readonly VolumeDiscount[]
  /** For all models. */
  readonly tiers?: readonly PriceTier[]
}

const TOKENS: readonly UnitClass[] = ['input', 'cachedInput', 'output']
const SOLD: Readonly<Record<InferenceKind, readonly UnitClass[]>> = {
  'chat/completions': TOKENS,
  completions: TOKENS,
  embeddings: TOKENS,
  messages: TOKENS,
  'images/generations': ['image'],
  'images/edits': ['image'],
  'audio/transcriptions': ['second'],
}

/** The prices in force. A request keeps those of its admission. */
export class PriceBook {
  #prices: PriceOptions

  constructor(prices: PriceOptions) {
    this.#prices = prices
  }

  of(model: string): TokenPrices {
    const { models, input, output, cachedInput } = this.#prices
    if (models && Object.hasOwn(models, model)) return models[model]!
    return { input, output, ...(cachedInput !== undefined && { cachedInput }) }
  }

  /** What a request of this kind is charged by. @throws AppError `price_missing` (404) where nothing is sold so */
  for(model: string, kind: InferenceKind): Prices {
    const prices = this.of(model)
    const sold = SOLD[kind].filter(
      (unit) => prices[unit] !== undefined && !(isMedia(prices) && isToken(unit)),
    )
    if (sold.length === 0) throw priceMissing(model, SOLD[kind][0]!)
    return Object.fromEntries(sold.map((unit) => [unit, prices[unit]!]))
  }

  get volume(): readonly VolumeDiscount[] {
    return this.#prices.volume ?? []
  }

  get tiers(): readonly PriceTier[] {
    return sortedTiers(this.#prices.tiers)
  }

  /**
   * What is charged of the prices, by the tokens of the prompt, to a user who was charged so much in all:
   * the tiers and discounts in force now.
   */
  multipliersAt(charged: bigint): (promptTokens: number | null) => Multipliers {
    const { tiers } = this
    const percent = Math.max(
      0,
      ...this.volume.filter(({ from }) => charged >= from).map((step) => step.percent),
    )
    return (promptTokens) => multipliersFor(tiers, percent, promptTokens)
  }

  /** What is registered on chain: the dearest of the models that are served. @see provider-broker.md section 1.4 */
  dearest(models: readonly string[]): TokenPrices {
    const prices = models.map((model) => this.of(model))
    const most = (unit: 'input' | 'output') => prices.reduce((most, price) => larger(most, price[unit]), 0n)
    return { input: most('input'), output: most('output') }
  }

  change(prices: PriceOptions): void {
    this.#prices = prices
  }
}

/** Priced by the image or the second alone: its tokens are not for sale, rather than free. */
const isMedia = ({ input, output, image, second }: TokenPrices): boolean =>
  (image ?? second) !== undefined && input === 0n && output === 0n

const isToken = (unit: UnitClass): boolean => TOKENS.includes(unit)

const priceMissing = (model: string, unit: UnitClass): AppError =>
  new AppError({
    code: 'price_missing',
    message: `This provider has no price per ${unit} for "${model}"`,
    hint: 'Nothing was charged. GET /v1/models says what is sold; its operator sets prices.models',
    next: '0g-compute provider list',
    status: 404,
  })
