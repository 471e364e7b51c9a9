import { toAppError } from '../../base/errors.ts'
import { advised } from '../framework/advised.ts'
import type { Context } from '../framework/context.ts'

export interface Finding {
  readonly name: string
  readonly result: 'PASS' | 'WARN' | 'FAIL'
  readonly detail: string
  /** The command that repairs it. */
  readonly fix?: string
}

export type Verdict = Omit<Finding, 'name'>

export interface Check {
  readonly name: string
  /** A check that has to hold for this one to say anything. */
  readonly needs?: string
  readonly run: (context: Context) => Promise<Verdict> | Verdict
}

/** Runs all checks one after another; one that breaks has failed. What rests on a failed one is not looked at. */
export async function runChecks(context: Context, checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { name, needs, run } of checks) {
    if (findings.some((finding) => finding.name === needs && finding.result === 'FAIL')) {
      findings.push({ name, ...warn(`not looked at: it needs ${needs}`) })
      continue
    }
    try {
      findings.push({ name, ...(await run(context)) })
    } catch (thrown) {
      const { message, hint, next } = await advised(toAppError(thrown), context)
      findings.push({
        name,
        result: 'FAIL',
        detail: hint ? `${message}. ${hint}` : message,
        ...(next && { fix: next }),
      })
    }
  }
  return findings
}

export const pass = (detail: string): Verdict => ({ result: 'PASS', detail })
export const warn = (detail: string, fix?: string): Verdict => ({
  result: 'WARN',
  detail,
  ...(fix && { fix }),
})
export const fail = (detail: string, fix?: string): Verdict => ({
  result: 'FAIL',
  detail,
  ...(fix && { fix }),
})
