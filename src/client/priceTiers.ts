/** From which prompt on a model costs more: brokers of the deployed network have it. @see client-wire.md section 1.1 */
export interface PriceTier {
  /** Prompt tokens; null for every longer prompt. */
  readonly upTo: number | null
  /** Of the model's prices, in percent, rounded up. */
  readonly inputPercent: number
  readonly outputPercent: number
}

/** Dollars per token, decimal: what the price in neuron is made of where a provider fixes it in dollars. */
export interface DollarPrices {
  readonly input: string
  readonly output: string
}

interface Prices {
  readonly input: bigint
  readonly output: bigint
}

/** The dearest prices that a prompt of at most so many tokens can come to. */
export function dearestPrices(
  { input, output }: Prices,
  tiers: readonly PriceTier[] | undefined,
  promptTokens: number,
): Prices {
  const beyond = (tiers ?? []).findIndex(({ upTo }) => upTo !== null && upTo >= promptTokens)
  const reachable = (tiers ?? []).slice(0, beyond < 0 ? undefined : beyond + 1)
  const raised = (price: bigint, percents: readonly number[]) =>
    (price * BigInt(Math.max(100, ...percents)) + 99n) / 100n
  return {
    input: raised(
      input,
      reachable.map(({ inputPercent }) => inputPercent),
    ),
    output: raised(
      output,
      reachable.map(({ outputPercent }) => outputPercent),
    ),
  }
}

/** Reads `tiered_pricing` of an entry of `/v1/models`, by size; anything unreadable is left out. */
export function readTiers(value: unknown): readonly PriceTier[] | null {
  if (!Array.isArray(value)) return null
  const tiers = value.map(asTier).filter((tier) => tier !== null)
  return tiers.toSorted((a, b) => (a.upTo ?? Number.MAX_VALUE) - (b.upTo ?? Number.MAX_VALUE))
}

/** Reads `pricing_usd`. */
export function readDollars(value: unknown): DollarPrices | null {
  const { prompt, completion } = (value ?? {}) as { prompt?: unknown; completion?: unknown }
  return isDecimal(prompt) && isDecimal(completion) ? { input: prompt, output: completion } : null
}

function asTier(value: unknown): PriceTier | null {
  const tier = (value ?? {}) as Readonly<Record<string, unknown>>
  const upTo = tier.max_input_tokens
  const inputPercent = percentOf(tier, 'input')
  const outputPercent = percentOf(tier, 'output')
  if (!Number.isSafeInteger(upTo) || inputPercent === null || outputPercent === null) return null
  return { upTo: upTo === 0 ? null : (upTo as number), inputPercent, outputPercent }
}

/** A denominator that is missing or not above 0 is 1. */
function percentOf(tier: Readonly<Record<string, unknown>>, side: string): number | null {
  const numerator = tier[`${side}_multiplier`]
  const denominator = tier[`${side}_multiplier_denominator`]
  if (typeof numerator !== 'number' || !(numerator >= 0)) return null
  const percent = Math.ceil((numerator * 100) / (Number(denominator) > 0 ? Number(denominator) : 1))
  return Number.isSafeInteger(percent) ? percent : null
}

const isDecimal = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{1,20}(\.\d{1,30})?$/.test(value)
