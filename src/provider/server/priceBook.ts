import { larger } from '../../base/bigint.ts'
import { AppError } from '../../base/errors.ts'
import type { Multipliers, Prices, UnitClass } from '../../protocol/pricing.ts'
import { type DollarPrices, inNeuron } from '../prices/dollars.ts'
import { type RateFeed, rateStale } from '../prices/rateFeed.ts'
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
  /** What `input`, `output` and `cachedInput` are made of; they count for nothing then. */
  readonly dollars?: DollarPrices
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
  readonly #feed: RateFeed | undefined

  /** @param feed of the dollar's rate, for prices in dollars that fix none */
  constructor(prices: PriceOptions, feed?: RateFeed) {
    this.#prices = prices
    this.#feed = feed
  }

  /** @throws AppError `rate_stale` (503) for prices in dollars while nobody knows what they come to */
  of(model: string): TokenPrices {
    const { models, dollars, input, output, cachedInput } = this.#prices
    if (models && Object.hasOwn(models, model)) return models[model]!
    if (dollars) return tokenPricesOf(dollars, this.#rate(dollars))
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

  /** What the prices of a model are made of, with the rate in force; null where they are fixed in neuron. */
  dollarsOf(model: string): (DollarPrices & { readonly rate: bigint }) | null {
    const { models, dollars } = this.#prices
    if (!dollars || (models && Object.hasOwn(models, model))) return null
    return { ...dollars, rate: this.#rate(dollars) }
  }

  #rate({ rate }: DollarPrices): bigint {
    if (rate !== undefined) return rate
    if (this.#feed) return this.#feed.rate()
    throw rateStale()
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

  /**
   * What is registered on chain: the dearest of the models that are served, per image or second where no tokens are
   * sold. @see provider-broker.md section 1.4
   */
  dearest(models: readonly string[]): TokenPrices {
    const prices = models.map((model) => this.of(model))
    const most = (of: (price: TokenPrices) => bigint) =>
      prices.reduce((most, price) => larger(most, of(price)), 0n)
    if (prices.every(isMedia))
      return { input: 0n, output: most(({ image, second }) => image ?? second ?? 0n) }
    return { input: most(({ input }) => input), output: most(({ output }) => output) }
  }

  change(prices: PriceOptions): void {
    this.#prices = prices
  }

  /** What is in force. */
  get options(): PriceOptions {
    return this.#prices
  }
}

function tokenPricesOf({ input, output, cachedInput }: DollarPrices, rate: bigint): TokenPrices {
  return {
    input: inNeuron(input, rate),
    output: inNeuron(output, rate),
    ...(cachedInput !== undefined && { cachedInput: inNeuron(cachedInput, rate) }),
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
