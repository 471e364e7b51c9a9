import type { ExitCode } from '../../base/errors.ts'
import type { Context } from './context.ts'
import type { Input } from './input.ts'

/** An option as commander writes it: `['--max-tokens <count>', 'at most this many']`. */
export type OptionSpec = readonly [flags: string, description: string]

/** Option of every command that prints a table. */
export const WIDE: OptionSpec = ['--wide', 'whole addresses and texts, however long the lines become']

/** What a command is: its words, and what it does. Parsing and rendering of errors happen outside. */
export interface CommandDefinition {
  /** `[['<address>', 'the provider']]`; square brackets for what may be left out. */
  readonly args?: readonly (readonly [name: string, description: string])[]
  readonly options?: readonly OptionSpec[]
  /** Complete lines, shown first in help. */
  readonly examples: readonly string[]
  /** Longer help, below the options. */
  readonly notes?: string
  /** @returns the exit code when it is not 0 */
  run(context: Context, input: Input): Promise<ExitCode | undefined>
}
