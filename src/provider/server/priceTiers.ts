import type { Multipliers, Prices } from '../../protocol/pricing.ts'

/** Prompts of more tokens than `above` cost so many percent of the prices, from 100 on. */
export interface PriceTier {
  readonly above: number
  readonly input: number
  readonly output: number
}

const NO_TIER = { input: 100, output: 100 }

/** In the order of their size. */
export const sortedTiers = (tiers: readonly PriceTier[] = []): readonly PriceTier[] =>
  tiers.toSorted((a, b) => a.above - b.above)

/** Percent for a prompt of so many tokens. */
const percentsFor = (tiers: readonly PriceTier[], promptTokens: number) =>
  tiers.findLast(({ above }) => promptTokens > above) ?? NO_TIER

/** The dearest that a prompt of at most so many tokens can come to. */
export function dearestPrices(prices: Prices, tiers: readonly PriceTier[], promptTokens: number): Prices {
  const reached = tiers.filter(({ above }) => promptTokens > above)
  if (reached.length === 0) return prices
  const raised = (price: bigint, unit: 'input' | 'output') =>
    (price * BigInt(Math.max(100, ...reached.map((tier) => tier[unit]))) + 99n) / 100n
  const { input, cachedInput, output } = prices
  return {
    ...prices,
    ...(input !== undefined && { input: raised(input, 'input') }),
    ...(cachedInput !== undefined && { cachedInput: raised(cachedInput, 'input') }),
    ...(output !== undefined && { output: raised(output, 'output') }),
  }
}

/**
 * As receipts state it: the tier of the prompt, and what a discount of so many percent leaves of that.
 * @param promptTokens null where no tokens are sold
 */
export function multipliersFor(
  tiers: readonly PriceTier[],
  discountPercent: number,
  promptTokens: number | null,
): Multipliers {
  if (promptTokens === null) return mediaMultipliers(100 - discountPercent)
  const { input, output } = percentsFor(tiers, promptTokens)
  if (input === 100 && output === 100 && discountPercent === 0) return {}
  const rest = 100 - discountPercent
  const times = (percent: number): readonly [number, number] => {
    if (rest === 100) return [percent, 100]
    return percent === 100 ? [rest, 100] : [percent * rest, 10_000]
  }
  return { input: times(input), cachedInput: times(input), output: times(output) }
}

const mediaMultipliers = (percent: number): Multipliers =>
  percent === 100 ? {} : { image: [percent, 100], second: [percent, 100] }

/** `tiered_pricing` as the network's present brokers state it; 0 is no limit. @see client-wire.md section 1.1 */
export function tiersDocument(tiers: readonly PriceTier[]): object[] {
  const steps = [{ above: -1, ...NO_TIER }, ...tiers]
  return steps.map(({ input, output }, index) => ({
    max_input_tokens: steps[index + 1]?.above ?? 0,
    input_multiplier: input,
    input_multiplier_denominator: 100,
    output_multiplier: output,
    output_multiplier_denominator: 100,
  }))
}
