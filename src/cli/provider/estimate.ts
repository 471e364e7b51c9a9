import { format0G, format0GPerMillion, ONE_0G } from '../../base/units.ts'
import type { MarketPrices } from './market.ts'
import type { Measured } from './measure.ts'

/** One kind of token of a day that is sold out. */
interface DayOf {
  /** As measured, to a tenth: what follows is computed with this. */
  readonly tokensPerSecond: number
  readonly tokens: bigint
  /** Neuron per token. */
  readonly price: bigint
  /** Neuron. */
  readonly earned: bigint
}

/** What a machine earns a day at some prices. */
export interface Earnings {
  readonly prompt: DayOf
  readonly answers: DayOf
  /** Neuron, with every second of the day sold. */
  readonly perDay: bigint
  /** Neuron, with `usedPercent` of them sold. */
  readonly perDayUsed: bigint
}

export interface Estimate extends Measured {
  /** The lower share of the day, percent. */
  readonly usedPercent: number
  /** At the median of what others ask; null where nobody sells anything comparable. */
  readonly market: (Earnings & Pick<MarketPrices, 'basis' | 'services'>) | null
  /** At the operator's own prices; null where nothing says now what they are in 0G. */
  readonly own: Earnings | null
}

interface Prices {
  readonly input: bigint
  readonly output: bigint
}

const DAY_SECONDS = 86_400

/** @param prices neuron per token */
export function estimate(
  measured: Measured,
  prices: { readonly market: MarketPrices | null; readonly own: Prices | null },
  usedPercent: number,
): Estimate {
  const { market, own } = prices
  const at = (asked: Prices) => earnings(measured, asked, usedPercent)
  return {
    ...measured,
    usedPercent,
    market: market && { basis: market.basis, services: market.services, ...at(market) },
    own: own && at(own),
  }
}

function earnings(measured: Measured, { input, output }: Prices, usedPercent: number): Earnings {
  const prompt = dayOf(measured.promptTokensPerSecond, input)
  const answers = dayOf(measured.tokensPerSecond, output)
  const perDay = prompt.earned + answers.earned
  return { prompt, answers, perDay, perDayUsed: (perDay * BigInt(usedPercent)) / 100n }
}

function dayOf(perSecond: number, price: bigint): DayOf {
  const tenths = Math.round(perSecond * 10)
  const tokens = (BigInt(tenths) * BigInt(DAY_SECONDS)) / 10n
  return { tokensPerSecond: tenths / 10, tokens, price, earned: tokens * price }
}

/** The arithmetic, line by line. @param network its name */
export function describeEstimate(estimate: Estimate, network: string): string[] {
  const { market, own, usedPercent, atOnce, model } = estimate
  return [
    `A day, with ${model} as fast as it was with ${atOnce} requests at once:`,
    ...(market
      ? describe(`at the median of ${sellers(market)} on ${network}`, market, usedPercent)
      : [`  nobody else on ${network} sells this model, or one of its size: no price to compare`]),
    ...(own ? describe('at your own prices', own, usedPercent) : ['  your prices in 0G are not known now']),
    'Demand decides how much of a day is sold. Power, gas and the stake are not counted.',
  ]
}

const sellers = ({ services, basis }: NonNullable<Estimate['market']>): string => {
  const what = basis === 'same' ? 'the same model' : 'models of about its size'
  return services === 1 ? `one other service of ${what}` : `${services} other services of ${what}`
}

function describe(title: string, { prompt, answers, perDay, perDayUsed }: Earnings, usedPercent: number) {
  const sold = (share: number, neuron: bigint) =>
    `    ${`${share} %`.padStart(5)} sold: ${format0G(rounded(neuron))} 0G a day`
  return [
    `  ${title}`,
    `    prompts ${arithmetic(prompt)}`,
    `    answers ${arithmetic(answers)}`,
    sold(100, perDay),
    sold(usedPercent, perDayUsed),
  ]
}

const arithmetic = ({ tokensPerSecond, tokens, price, earned }: DayOf): string =>
  `${tokensPerSecond.toFixed(1)} tokens/s x ${grouped(DAY_SECONDS)} s = ${grouped(tokens)} tokens, ` +
  `x ${format0GPerMillion(price)} 0G a million = ${format0G(rounded(earned))} 0G`

const grouped = (value: number | bigint): string => value.toLocaleString('en-US')

/** To four digits that count: it is an estimate. */
function rounded(neuron: bigint): bigint {
  const digits = neuron.toString().length
  const unit = neuron >= ONE_0G ? ONE_0G / 10_000n : 10n ** BigInt(Math.max(0, digits - 4))
  return ((neuron + unit / 2n) / unit) * unit
}
