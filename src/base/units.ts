import { AppError, EXIT } from './errors.ts'

/** 1 0G in neuron. */
export const ONE_0G = 10n ** 18n

const AMOUNT = /^(\d+)(?:\.(\d{1,18}))?$/

/**
 * Reads an amount written in 0G, e.g. `0.05` or `3`, exactly.
 * @returns neuron
 * @throws AppError `amount_invalid` for anything else: signs, exponents, more than 18 decimals.
 */
export function parse0G(text: string): bigint {
  const match = AMOUNT.exec(text.trim())
  if (!match) {
    throw new AppError({
      code: 'amount_invalid',
      message: `"${text}" is not an amount in 0G`,
      hint: 'Write a decimal number with at most 18 decimals, for example 0.05',
      exitCode: EXIT.usage,
    })
  }
  return BigInt(match[1]!) * ONE_0G + BigInt((match[2] ?? '').padEnd(18, '0'))
}

/** Neuron as a decimal number of 0G without trailing zeros: `50000000000000000n` → `0.05`. Exact. */
export function format0G(neuron: bigint): string {
  const sign = neuron < 0n ? '-' : ''
  const digits = (neuron < 0n ? -neuron : neuron).toString().padStart(19, '0')
  const fraction = digits.slice(-18).replace(/0+$/, '')
  return sign + digits.slice(0, -18) + (fraction && `.${fraction}`)
}

/** Price of a million units in 0G, from neuron per unit. */
export function format0GPerMillion(neuronPerUnit: bigint): string {
  return format0G(neuronPerUnit * 1_000_000n)
}
