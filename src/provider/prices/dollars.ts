import { ONE_0G } from '../../base/units.ts'

/** US dollars per million tokens, as whole numbers of 1e-18 dollars. */
export interface DollarPrices {
  readonly input: bigint
  readonly output: bigint
  readonly cachedInput?: bigint
  /** Dollars per 0G in 1e-18 dollars where the operator fixes it; else a feed says it. */
  readonly rate?: bigint
}

const MILLION = 1_000_000n
const TOKEN_DECIMALS = 24

/**
 * Neuron per token, rounded up.
 * @param perMillion 1e-18 dollars per million tokens
 * @param rate 1e-18 dollars per 0G
 */
export const inNeuron = (perMillion: bigint, rate: bigint): bigint =>
  (perMillion * ONE_0G + rate * MILLION - 1n) / (rate * MILLION)

/** Dollars per token, decimal. */
export function dollarsPerToken(perMillion: bigint): string {
  const digits = perMillion.toString().padStart(TOKEN_DECIMALS + 1, '0')
  const fraction = digits.slice(-TOKEN_DECIMALS).replace(/0+$/, '')
  return digits.slice(0, -TOKEN_DECIMALS) + (fraction && `.${fraction}`)
}
