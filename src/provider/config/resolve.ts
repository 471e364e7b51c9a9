import { AppError, EXIT } from '../../base/errors.ts'
import { parse0G } from '../../base/units.ts'
import type { DollarPrices } from '../prices/dollars.ts'
import type { RateFeedOptions } from '../prices/rateFeed.ts'
import { DEFAULT_LIMITS, type Limits } from '../server/limits/limits.ts'
import type { PriceOptions, TokenPrices } from '../server/priceBook.ts'
import type { ConfiguredDollars, ConfiguredModelPrices, ConfiguredPrices, ProviderConfig } from './config.ts'

/** 0G per million tokens. */
export const DEFAULT_PRICES: ConfiguredPrices = { input: '0.05', output: '0.2' }

/** The prices of a configuration in neuron per token. @throws AppError `config_invalid` for one that is too fine */
export function pricesOf({ prices = {} }: ProviderConfig): PriceOptions {
  const {
    input = DEFAULT_PRICES.input,
    output = DEFAULT_PRICES.output,
    cachedInput,
    models,
    volume,
    tiers,
    usd,
  } = prices
  return {
    ...tokenPrices({ input, output, ...(cachedInput !== undefined && { cachedInput }) }),
    ...(models && {
      models: Object.fromEntries(Object.entries(models).map(([id, price]) => [id, modelPrices(id, price)])),
    }),
    ...(usd && { dollars: dollarPrices(usd) }),
    ...(tiers && { tiers }),
    ...(volume && { volume: volume.map(({ from, percent }) => ({ from: parse0G(from), percent })) }),
  }
}

/** @throws AppError `config_invalid` when nothing says what a dollar is */
function dollarPrices({
  input,
  output,
  cachedInput,
  rate,
  rateUrl,
  rateField,
}: ConfiguredDollars): DollarPrices {
  const isFixed = rate !== undefined && parse0G(rate) > 0n && rateUrl === undefined
  const isFed = rate === undefined && rateUrl !== undefined && rateField !== undefined
  const isDearCache = cachedInput !== undefined && parse0G(cachedInput) > parse0G(input)
  if ((!isFixed && !isFed) || isDearCache) throw dollarsInvalid(isDearCache)
  return {
    input: parse0G(input),
    output: parse0G(output),
    ...(cachedInput !== undefined && { cachedInput: parse0G(cachedInput) }),
    ...(rate !== undefined && { rate: parse0G(rate) }),
  }
}

/** The feed that a configuration names, with its defaults; null where none is needed. */
export function rateFeedOf({ prices }: ProviderConfig): Omit<RateFeedOptions, 'log'> | null {
  const { rateUrl: url, rateField: field, refresh = 60, maxAge = 600, maxStep = 20 } = prices?.usd ?? {}
  if (url === undefined || field === undefined) return null
  return { url, field, refreshMs: refresh * 1000, maxAgeMs: maxAge * 1000, maxStepPercent: maxStep }
}

const dollarsInvalid = (isDearCache: boolean): AppError =>
  new AppError({
    code: 'config_invalid',
    message: isDearCache
      ? 'prices.usd: cached prompt tokens cost more than others'
      : 'prices.usd: nothing says what a 0G is worth in dollars',
    hint: 'Give rate in dollars per 0G, or rateUrl and rateField of a feed that you trust',
    exitCode: EXIT.malformed,
  })

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

/** @throws AppError `config_invalid` for half of a price by the token */
function modelPrices(id: string, { image, second, ...tokens }: ConfiguredModelPrices): TokenPrices {
  const { input, output, cachedInput } = tokens
  const isMedia = (image ?? second) !== undefined && input === undefined && output === undefined
  if (!isMedia && (input === undefined || output === undefined)) throw halfPriced(id, tokens)
  return {
    ...tokenPrices({
      input: input ?? '0',
      output: output ?? '0',
      ...(cachedInput !== undefined && { cachedInput }),
    }),
    ...(image !== undefined && { image: parse0G(image) }),
    ...(second !== undefined && { second: parse0G(second) }),
  }
}

const halfPriced = (id: string, { input }: ConfiguredModelPrices): AppError =>
  new AppError({
    code: 'config_invalid',
    message: `prices.models.${id}: "${input === undefined ? 'input' : 'output'}" is missing`,
    hint: 'Give input and output in 0G per million tokens, or image, or second, in 0G each',
    exitCode: EXIT.malformed,
  })

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
