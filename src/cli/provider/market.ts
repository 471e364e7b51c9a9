import { type Address, sameAddress } from '../../base/hex.ts'
import type { Service } from '../../chain/inference.ts'

type Sold = Pick<Service, 'provider' | 'serviceType' | 'model' | 'inputPrice' | 'outputPrice'>

/** What others ask for what this machine would sell. Neuron per token. */
export interface MarketPrices {
  /** `same`: for the model of that name; `comparable`: for models of about its size. */
  readonly basis: 'same' | 'comparable'
  /** How many services. */
  readonly services: number
  readonly input: bigint
  readonly output: bigint
}

/** Models up to so many times as large, or as small, count as comparable. */
const COMPARABLE = 2

/**
 * The median of what others ask for the same model; where nobody else has it, for models of about its size, as far
 * as names say their size; null where nobody sells either.
 * @param own whose service does not count
 */
export function marketPrices(
  services: readonly Sold[],
  own: Address | null,
  model: string,
): MarketPrices | null {
  const others = services.filter(
    ({ serviceType, provider }) => serviceType === 'chatbot' && !(own && sameAddress(provider, own)),
  )
  const same = others.filter((service) => plain(service.model) === plain(model))
  if (same.length > 0) return medianOf('same', same)
  const size = billions(model)
  const comparable = others.filter((service) => isClose(size, billions(service.model)))
  return comparable.length > 0 ? medianOf('comparable', comparable) : null
}

const medianOf = (basis: MarketPrices['basis'], services: readonly Sold[]): MarketPrices => ({
  basis,
  services: services.length,
  input: median(services.map(({ inputPrice }) => inputPrice)),
  output: median(services.map(({ outputPrice }) => outputPrice)),
})

/** Of an even number the mean of the two in the middle. */
function median(prices: readonly bigint[]): bigint {
  const sorted = prices.toSorted((a, b) => (a < b ? -1 : 1))
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2n
}

/** Without its publisher: `Qwen/Qwen2.5-0.5B-Instruct` and `qwen2.5-0.5b-instruct` are one model. */
const plain = (model: string): string => model.slice(model.lastIndexOf('/') + 1).toLowerCase()

/** Billions of parameters as a name says them: `Qwen2.5-0.5B-Instruct` has 0.5; null where it does not. */
const billions = (model: string): number | null => {
  const found = /(?:^|[-_ ])(\d+(?:\.\d+)?)b(?![a-z])/i.exec(plain(model))?.[1]
  return found === undefined ? null : Number(found)
}

const isClose = (a: number | null, b: number | null): boolean =>
  a !== null && b !== null && a <= b * COMPARABLE && b <= a * COMPARABLE
