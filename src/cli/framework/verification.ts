import { type Policy, parsePolicy } from '../../attestation/policy.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import type { OptionSpec } from './definition.ts'
import { readInputFile } from './readInput.ts'
import type { Settings } from './settings.ts'

/** Options of every command that shows a verdict. */
export const VERIFICATION_OPTIONS: readonly OptionSpec[] = [
  ['--policy <file>', 'what has to hold before a provider counts as verified, JSON'],
  ['--accept <verdict>', 'incomplete: exit 0 also where something could not be checked'],
]

/** The policy that the settings name. @throws AppError `file_unreadable`, `policy_malformed` (exit 30) */
export function policyOf(settings: Settings): Policy | undefined {
  const path = settings.get('policy')
  return path === undefined ? undefined : readPolicy(path)
}

/** @throws AppError `file_unreadable`, `policy_malformed` (exit 30) */
export const readPolicy = (path: string): Policy => parsePolicy(readInputFile(path).toString('utf8'))

/** Whether a verdict that is incomplete counts as a success. @throws AppError `option_invalid` */
export function acceptsIncomplete(settings: Settings): boolean {
  const accept = settings.get('accept')
  return accept !== undefined && takesIncomplete(accept)
}

/** @throws AppError `option_invalid` */
export function takesIncomplete(accept: string): boolean {
  if (accept === 'accepted') return false
  if (accept === 'incomplete') return true
  throw new AppError({
    code: 'option_invalid',
    message: `--accept takes incomplete, not "${accept}"`,
    hint: 'What was rejected is never accepted',
    exitCode: EXIT.usage,
  })
}
