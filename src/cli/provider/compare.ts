import { AppError, EXIT } from '../../base/errors.ts'
import { ONE_0G, parse0G } from '../../base/units.ts'
import type { Output } from '../framework/output.ts'
import { LIST_PRICES, LIST_PRICES_SOURCE } from './listPrices.ts'

/** A rate as it was given, and where it comes from. */
export interface UsdRate {
  /** US dollars for 1 0G, times 10^18. */
  readonly perOne: bigint
  readonly text: string
}

interface Priced {
  readonly provider: string
  readonly model: string
  /** Neuron per token. */
  readonly inputPrice: bigint
  readonly outputPrice: bigint
}

/** @throws AppError `usd_rate_needed`, `amount_invalid`: no rate is looked up, and none is guessed */
export function usdRateOf(text: string | undefined): UsdRate {
  if (text !== undefined) return { perOne: parse0G(text), text }
  throw new AppError({
    code: 'usd_rate_needed',
    message: 'What 1 0G costs in US dollars is not known here',
    hint: 'Say it with --usd-rate, ZG_USD_RATE or the setting usd-rate: prices on chain are in 0G',
    next: '0g-compute provider list --compare --usd-rate <USD>',
    exitCode: EXIT.usage,
  })
}

/** US dollars for a million tokens. */
export const usdPerMillion = (neuronPerToken: bigint, { perOne }: UsdRate): number =>
  Number((neuronPerToken * 1_000_000n * perOne) / ONE_0G) / 1e18

/** Prices of providers and list prices of others, as one object. */
export const comparison = (providers: readonly Priced[], rate: UsdRate) => ({
  usdRate: rate.text,
  unit: 'USD per million tokens',
  providers: providers.map(({ provider, model, inputPrice, outputPrice }) => ({
    provider,
    model,
    input: usdPerMillion(inputPrice, rate),
    output: usdPerMillion(outputPrice, rate),
  })),
  listPrices: LIST_PRICES,
  source: LIST_PRICES_SOURCE,
})

/** The same as a table. Whether two models are worth the same it does not say. */
export async function renderComparison(
  { usdRate, providers, listPrices, source }: ReturnType<typeof comparison>,
  table: Output['table'],
): Promise<string> {
  const rows = [
    ...providers.map(({ model, provider, input, output }) => [model, provider, usd(input), usd(output)]),
    ...listPrices.map(({ model, seller, input, output }) => [model, seller, usd(input), usd(output)]),
  ]
  return `${await table(['model', 'from', 'USD/M in', 'USD/M out'], rows)}

At ${usdRate} USD for 1 0G, the rate that was given. List prices as read on ${source.readOn}:
${source.url}
They are of other models: what an answer is worth is not compared.`
}

const usd = (value: number): string => (value >= 0.01 ? value.toFixed(2) : value.toPrecision(2))
