import type { OptionSpec } from './definition.ts'
import type { Input } from './input.ts'

/** Options of every command that sends a request. */
export const PRIVACY_OPTIONS: readonly OptionSpec[] = [
  [
    '--private',
    "seal the request to the provider's enclave, or send nothing (default: sealed where that is proven)",
  ],
  ['--no-private', 'never seal it: the machine that serves can read along'],
]

/** What was said of it, if anything. */
export function privacyOf(input: Input): { readonly private?: boolean } {
  const asked = input.choice('private')
  return asked === undefined ? {} : { private: asked }
}
