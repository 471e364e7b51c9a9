import { larger } from '../../base/bigint.ts'
import type { Multipliers } from '../../protocol/pricing.ts'

/** Neuron per token. */
export interface TokenPrices {
  readonly input: bigint
  readonly output: bigint
  /** For prompt tokens from the engine's cache; without it they cost as much as others. */
  readonly cachedInput?: bigint
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

  get volume(): readonly VolumeDiscount[] {
    return this.#prices.volume ?? []
  }

  /** The discount of a user who was charged so much in all, as receipts state it. */
  multipliersFor(charged: bigint): Multipliers {
    const percent = Math.max(
      0,
      ...this.volume.filter(({ from }) => charged >= from).map((step) => step.percent),
    )
    if (percent === 0) return {}
    const rest = [100 - percent, 100] as const
    return { input: rest, cachedInput: rest, output: rest }
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
