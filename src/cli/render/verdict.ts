import type { ChalkInstance } from 'chalk'
import { firstFailure, type Verdict } from '../../attestation/verdict.ts'
import { EXIT, type ExitCode } from '../../base/errors.ts'
import type { Settings } from '../framework/settings.ts'
import { acceptsIncomplete } from '../framework/verification.ts'

const MARKS = { pass: '✓', fail: '✗', skipped: '·' } as const

/** One line a step. */
export function renderSteps({ steps }: Verdict, paint: ChalkInstance): string {
  const colors = { pass: paint.green, fail: paint.red, skipped: paint.dim }
  return steps
    .map(({ name, result, detail }) => `  ${colors[result](MARKS[result])} ${name}: ${detail}`)
    .join('\n')
}

/** A verdict in one line, with the step that decided it. */
export function renderVerdict(verdict: Verdict, paint: ChalkInstance): string {
  const { outcome, assurance } = verdict
  if (outcome === 'accepted') return `${paint.green('accepted')} (assurance: ${assurance})`
  if (outcome === 'incomplete') {
    const open = verdict.steps.filter(({ result }) => result === 'skipped').map(({ detail }) => detail)
    return `${paint.yellow('incomplete')} (assurance: ${assurance}): ${open.join('; ')}`
  }
  const failed = firstFailure(verdict)
  return `${paint.red('rejected')} at step "${failed?.name}": ${failed?.detail}`
}

/** 0, 10 or 11; incomplete is 0 where the settings accept it. @throws AppError `option_invalid` */
export function exitCodeOf({ outcome }: Pick<Verdict, 'outcome'>, settings: Settings): ExitCode {
  const accepts = acceptsIncomplete(settings)
  if (outcome === 'rejected') return EXIT.rejected
  return outcome === 'accepted' || accepts ? EXIT.ok : EXIT.incomplete
}
