/**
 * What is counted. `input` are prompt tokens that were computed, `cachedInput` prompt tokens served from
 * the engine's prefix cache, `output` generated tokens, `image` images made or changed, `second` begun seconds of audio
 * that was heard.
 */
export type UnitClass = 'input' | 'cachedInput' | 'output' | 'image' | 'second'

/** Counts by class, non-negative safe integers; an absent class is zero. */
export type Counts = Readonly<Partial<Record<UnitClass, number>>>

/** Price by class in neuron per unit. */
export type Prices = Readonly<Partial<Record<UnitClass, bigint>>>

/** Numerator and denominator by class; an absent class is 1. */
export type Multipliers = Readonly<Partial<Record<UnitClass, readonly [number, number]>>>

/**
 * Fee in neuron: for each class floor(count × price × numerator / denominator), summed.
 * @throws RangeError for a count that is no non-negative safe integer, a denominator below 1, or a counted
 * class that has no price
 */
export function feeOf(counts: Counts, prices: Prices, multipliers: Multipliers = {}): bigint {
  let fee = 0n
  for (const [unit, count] of Object.entries(counts) as [UnitClass, number][]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`count of ${unit} is not a count`)
    if (count === 0) continue
    const price = prices[unit]
    if (price === undefined || price < 0n) throw new RangeError(`no price for ${unit}`)
    const [numerator, denominator] = multipliers[unit] ?? [1, 1]
    if (!isPositive(denominator) || !Number.isSafeInteger(numerator) || numerator < 0) {
      throw new RangeError(`multiplier of ${unit} is not a fraction`)
    }
    fee += (BigInt(count) * price * BigInt(numerator)) / BigInt(denominator)
  }
  return fee
}

const isPositive = (value: number): boolean => Number.isSafeInteger(value) && value > 0
