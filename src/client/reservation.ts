import { AppError, EXIT } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import type { Offer } from './offers.ts'

/** Asked for where the user does not say. */
const DEFAULT_MAX_TOKENS = 512

/** The most that a request can cost, neuron: what a broker sets aside before it starts. */
export const worstCost = (
  promptTokens: number,
  maxTokens: number,
  { input, output }: Offer['prices'],
): bigint => BigInt(promptTokens) * input + BigInt(maxTokens) * output

export interface TokenLimit {
  readonly asked: number | undefined
  /** Wished where nothing is asked for; by default a moderate number. */
  readonly otherwise?: number | undefined
  /** Neuron. */
  readonly maxCost: bigint | undefined
  readonly contextLength: number | null
  /** The most that the prompt can become. */
  readonly promptTokens: number
  readonly prices: Offer['prices']
}

/**
 * How many tokens to ask for: what the user says, else as many as context and `maxCost` leave.
 * @throws AppError `max_cost_exceeded` when even the least costs more
 */
export function chooseMaxTokens({
  asked,
  otherwise,
  maxCost,
  contextLength,
  promptTokens,
  prices,
}: TokenLimit): number {
  const wished =
    asked ?? otherwise ?? Math.min(DEFAULT_MAX_TOKENS, Math.max(1, Math.floor((contextLength ?? 4096) / 2)))
  if (maxCost === undefined) return wished
  const cost = worstCost(promptTokens, wished, prices)
  if (cost <= maxCost) return wished
  const left = maxCost - worstCost(promptTokens, 0, prices)
  const affordable = prices.output > 0n && left > 0n ? Number(left / prices.output) : 0
  if (asked !== undefined || affordable < 1) throw tooDear(cost, maxCost)
  return affordable
}

export const tooDear = (cost: bigint, maxCost: bigint): AppError =>
  new AppError({
    code: 'max_cost_exceeded',
    message: `The answer may cost ${format0G(cost)} 0G, the limit is ${format0G(maxCost)} 0G`,
    hint: 'Nothing was sent. Raise --max-cost, lower --max-tokens, or choose a cheaper provider',
    next: '0g-compute provider list',
    exitCode: EXIT.noFunds,
    status: 402,
    details: { cost: cost.toString(), maxCost: maxCost.toString() },
  })
