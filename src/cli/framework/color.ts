import { Chalk, type ChalkInstance } from 'chalk'
import type { Environment } from './paths.ts'

/**
 * Whether to colour what goes to a stream. `NO_COLOR` and `--no-color` win, then `FORCE_COLOR` and
 * `CLICOLOR_FORCE`, then whether it is a terminal.
 * @see https://no-color.org and https://bixense.com/clicolors/
 */
export function usesColor(stream: { readonly isTTY?: boolean }, env: Environment): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR)
  if (env.CLICOLOR_FORCE && env.CLICOLOR_FORCE !== '0') return true
  return stream.isTTY === true && env.CLICOLOR !== '0' && env.TERM !== 'dumb'
}

export const painter = (stream: { readonly isTTY?: boolean }, env: Environment): ChalkInstance =>
  new Chalk({ level: usesColor(stream, env) ? 1 : 0 })
