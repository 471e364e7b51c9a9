/** Neuron per token. */
export interface TokenPrices {
  readonly input: bigint
  readonly output: bigint
}

export interface PriceOptions extends TokenPrices {
  /** Other prices for single models, by id. */
  readonly models?: Readonly<Record<string, TokenPrices>>
}

/** The prices in force. A request keeps those of its admission. */
export class PriceBook {
  #prices: PriceOptions

  constructor(prices: PriceOptions) {
    this.#prices = prices
  }

  of(model: string): TokenPrices {
    const { models, input, output } = this.#prices
    return models && Object.hasOwn(models, model) ? models[model]! : { input, output }
  }

  /** What is registered on chain: the dearest of the models that are served. @see provider-broker.md section 1.4 */
  dearest(models: readonly string[]): TokenPrices {
    const prices = models.map((model) => this.of(model))
    const most = (unit: keyof TokenPrices) =>
      prices.reduce((most, price) => (price[unit] > most ? price[unit] : most), 0n)
    return { input: most('input'), output: most('output') }
  }

  change(prices: PriceOptions): void {
    this.#prices = prices
  }
}
