import { AppError, EXIT } from '../../base/errors.ts'
import { parse0G } from '../../base/units.ts'
import { type Preferences, SORTS, type Sort } from '../../client/routing/preferences.ts'
import type { OptionSpec } from './definition.ts'
import { asAddress, type Input } from './input.ts'

/** Options of every command that chooses a provider. */
export const ROUTING_OPTIONS: readonly OptionSpec[] = [
  ['--sort <by>', `${SORTS.join(', ')} (default price)`],
  ['--max-price <0G>', 'per million tokens: dearer offers are passed over'],
  ['--allow <addresses>', 'only these providers, separated by commas'],
  ['--deny <addresses>', 'never these providers, separated by commas'],
]

/** The same where something else than tokens is sold: `image`, `second`. */
export const routingOptionsPer = (unit: string): readonly OptionSpec[] =>
  ROUTING_OPTIONS.map(([flags, words]) => [flags, words.replace('million tokens', unit)])

/** @throws AppError `option_invalid`, `address_invalid`, `amount_invalid` */
export function unitPreferencesOf(input: Input): Preferences {
  const { maxPrice: _perToken, ...preferences } = preferencesOf(input)
  const maxUnitPrice = input.amount('maxPrice')
  return { ...preferences, ...(maxUnitPrice !== undefined && { maxUnitPrice }) }
}

/** @throws AppError `option_invalid`, `address_invalid`, `amount_invalid` */
export function preferencesOf(input: Input): Preferences {
  const sort = input.text('sort')
  const maxPrice = input.text('maxPrice')
  const allow = addressesOf(input.text('allow'))
  const deny = addressesOf(input.text('deny'))
  return {
    ...(sort !== undefined && { sort: asSort(sort) }),
    ...(maxPrice !== undefined && { maxPrice: parse0G(maxPrice) / 1_000_000n }),
    ...(allow && { allow }),
    ...(deny && { deny }),
  }
}

const addressesOf = (text: string | undefined) => text?.split(',').map((address) => asAddress(address.trim()))

export function asSort(text: string): Sort {
  const sort = SORTS.find((known) => known === text)
  if (sort) return sort
  throw new AppError({
    code: 'option_invalid',
    message: `--sort takes ${SORTS.join(', ')}, not "${text}"`,
    hint: 'See the help of the command',
    exitCode: EXIT.usage,
  })
}
