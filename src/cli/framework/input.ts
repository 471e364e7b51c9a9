import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, isAddress } from '../../base/hex.ts'
import { parse0G } from '../../base/units.ts'

/** Arguments and options of one call, read by name and checked on reading. */
export class Input {
  readonly #args: readonly (string | undefined)[]
  readonly #options: Readonly<Record<string, unknown>>

  constructor(args: readonly (string | undefined)[], options: Readonly<Record<string, unknown>>) {
    this.#args = args
    this.#options = options
  }

  argument(index: number): string | undefined {
    return this.#args[index]
  }

  /** An argument that commander has made sure of. */
  required(index: number): string {
    const value = this.#args[index]
    if (value === undefined) throw new TypeError(`argument ${index} is not declared as required`)
    return value
  }

  /** @param name as commander keeps it: `maxTokens` for `--max-tokens` */
  text(name: string): string | undefined {
    const value = this.#options[name]
    return typeof value === 'string' ? value : undefined
  }

  /** Whether a switch is on. For `--no-stream` ask for `stream`, which is on unless switched off. */
  flag(name: string): boolean {
    return this.#options[name] === true
  }

  /** Whether `--name` or `--no-name` was said, where there are both; undefined when neither was. */
  choice(name: string): boolean | undefined {
    const value = this.#options[name]
    return typeof value === 'boolean' ? value : undefined
  }

  /** Amount in neuron of an option that is written in 0G. */
  amount(name: string): bigint | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : parse0G(value)
  }

  integer(name: string, minimum = 0, maximum = Number.POSITIVE_INFINITY): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = Number(value)
    if (!/^\d{1,15}$/.test(value) || number < minimum || number > maximum) {
      const range = maximum === Number.POSITIVE_INFINITY ? 'up' : `to ${maximum}`
      throw optionInvalid(name, value, `a whole number from ${minimum} ${range}`)
    }
    return number
  }

  /** A port to listen on; 0 means any. */
  port(name: string): number | undefined {
    return this.integer(name, 0, 65_535)
  }

  number(name: string, minimum: number, maximum: number): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = Number(value)
    if (value.trim() === '' || !(number >= minimum && number <= maximum)) {
      throw optionInvalid(name, value, `a number from ${minimum} to ${maximum}`)
    }
    return number
  }

  address(name: string): Address | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : asAddress(value)
  }
}

/**
 * An amount of money to move, neuron.
 * @throws AppError `amount_invalid`, also for nothing
 */
export function amountToMove(text: string): bigint {
  const amount = parse0G(text)
  if (amount > 0n) return amount
  throw new AppError({
    code: 'amount_invalid',
    message: `"${text}" is no amount to move`,
    hint: 'Write a decimal number above 0, for example 0.05',
    exitCode: EXIT.usage,
  })
}

/** @throws AppError `address_invalid` */
export function asAddress(value: string): Address {
  if (isAddress(value)) return value
  throw new AppError({
    code: 'address_invalid',
    message: `"${value}" is not an address`,
    hint: 'An address is 0x and 40 hex digits',
    next: '0g-compute provider list',
    exitCode: EXIT.usage,
  })
}

const optionInvalid = (name: string, value: string, expected: string): AppError =>
  new AppError({
    code: 'option_invalid',
    message: `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} takes ${expected}, not "${value}"`,
    hint: 'See the help of the command',
    exitCode: EXIT.usage,
  })
