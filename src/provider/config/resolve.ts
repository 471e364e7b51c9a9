import { AppError, EXIT } from '../../base/errors.ts'
import { parse0G } from '../../base/units.ts'
import { DEFAULT_LIMITS, type Limits } from '../server/limits/limits.ts'
import type { PriceOptions, TokenPrices } from '../server/priceBook.ts'
import type { ConfiguredPrices, ProviderConfig } from './config.ts'

/** 0G per million tokens. */
export const DEFAULT_PRICES: ConfiguredPrices = { input: '0.05', output: '0.2' }

/** The prices of a configuration in neuron per token. @throws AppError `config_invalid` for one that is too fine */
export function pricesOf({ prices = {} }: ProviderConfig): PriceOptions {
  const { input = DEFAULT_PRICES.input, output = DEFAULT_PRICES.output, cachedInput, models, volume } = prices
  return {
    ...tokenPrices({ input, output, ...(cachedInput !== undefined && { cachedInput }) }),
    ...(models && {
      models: Object.fromEntries(Object.entries(models).map(([id, price]) => [id, tokenPrices(price)])),
    }),
    ...(volume && { volume: volume.map(({ from, percent }) => ({ from: parse0G(from), percent })) }),
  }
}

/** @throws AppError `config_invalid` when cached tokens would cost more than others */
function tokenPrices({ input, output, cachedInput }: ConfiguredPrices): TokenPrices {
  const prices = { input: perToken(input), output: perToken(output) }
  if (cachedInput === undefined) return prices
  const cached = perToken(cachedInput)
  if (cached <= prices.input) return { ...prices, cachedInput: cached }
  throw new AppError({
    code: 'config_invalid',
    message: `Cached prompt tokens cost ${cachedInput} 0G per million, others ${input} 0G`,
    hint: 'A cache makes tokens cheaper: customers agree to the price of other prompt tokens at most',
    exitCode: EXIT.malformed,
  })
}

/** The limits of a configuration, defaults filled in. */
export function limitsOf({ limits = {} }: ProviderConfig): Limits {
  const { headersTimeout, requestTimeout, writeTimeout, user, users, strangers, ...counts } = limits
  const byAddress = Object.entries(users ?? {}).map(([address, own]) => [address.toLowerCase(), own] as const)
  return {
    ...DEFAULT_LIMITS,
    ...counts,
    user: { ...DEFAULT_LIMITS.user, ...user },
    users: Object.fromEntries(byAddress),
    strangers: { ...DEFAULT_LIMITS.strangers, ...strangers },
    ...(headersTimeout !== undefined && { headersTimeoutMs: headersTimeout * 1000 }),
    ...(requestTimeout !== undefined && { requestTimeoutMs: requestTimeout * 1000 }),
    ...(writeTimeout !== undefined && { writeTimeoutMs: writeTimeout * 1000 }),
  }
}

/** Neuron per token from 0G per million tokens. @throws AppError `price_too_fine` */
export function perToken(text: string): bigint {
  const perMillion = parse0G(text)
  if (perMillion % 1_000_000n === 0n) return perMillion / 1_000_000n
  throw new AppError({
    code: 'price_too_fine',
    message: `${text} 0G per million tokens is no whole number of neuron per token`,
    hint: 'Use at most 12 decimals',
    next: '0g-compute provider serve --help',
    exitCode: EXIT.usage,
  })
}
