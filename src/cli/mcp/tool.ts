import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, isAddress } from '../../base/hex.ts'
import type { Compute } from '../../client/compute.ts'
import type { FundingHooks } from '../../client/funding/funding.ts'
import type { Preferences } from '../../client/routing/preferences.ts'
import type { Budget } from './budget.ts'

/** What the tools of one server share. */
export interface Desk {
  readonly compute: Compute
  readonly budget: Budget
  /** Neuron that one call may cost, where that is bounded. */
  readonly maxCost: bigint | undefined
  /** Where the server was started with one: no other is asked. */
  readonly provider: Address | undefined
  readonly preferences: Preferences
  /** Whether money may move, within the budget. */
  readonly funding: FundingHooks
}

/** A tool as MCP describes it, and what it does. The result is JSON for the agent. */
export interface Tool {
  readonly name: string
  readonly description: string
  readonly inputSchema: object
  /** It changes nothing and costs nothing. */
  readonly readOnly: boolean
  run(desk: Desk, args: Arguments, signal: AbortSignal): Promise<object>
}

/** Arguments of a call, checked as they are read. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>> = {}) {
    this.#values = values
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    if (value === undefined || typeof value === 'string') return value
    throw invalid(name, 'a text')
  }

  required(name: string): string {
    const value = this.text(name)
    if (value !== undefined && value !== '') return value
    throw invalid(name, 'a text, and is needed')
  }

  count(name: string): number | undefined {
    const value = this.#values[name]
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0))
      return value as number | undefined
    throw invalid(name, 'a whole number above 0')
  }

  address(name: string): Address | undefined {
    const value = this.text(name)
    if (value === undefined || isAddress(value)) return value
    throw invalid(name, 'an address')
  }
}

const invalid = (name: string, expected: string): AppError =>
  new AppError({
    code: 'argument_invalid',
    message: `"${name}" is ${expected}`,
    hint: 'Nothing was sent',
    exitCode: EXIT.usage,
    status: 400,
  })
