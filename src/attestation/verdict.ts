/**
 * What a check came to. `incomplete` means that nothing was found wrong, and something could not be checked.
 */
export type Outcome = 'accepted' | 'rejected' | 'incomplete'

/** What stands behind the signing key: Intel's hardware, a devnet's stand-in for it, or nothing. */
export type Assurance = 'tdx' | 'simulated' | 'none'

export interface VerdictStep {
  readonly name: string
  readonly result: 'pass' | 'fail' | 'skipped'
  /** What was compared, or why it was not. */
  readonly detail: string
}

export interface Verdict {
  readonly outcome: Outcome
  readonly assurance: Assurance
  readonly steps: readonly VerdictStep[]
}

/**
 * Collects steps and draws the conclusion: one failure rejects, one skipped requirement leaves it incomplete.
 * A step that was checked twice counts with the worse result; what failed first is what is told.
 */
export class StepList {
  readonly #steps = new Map<string, VerdictStep>()
  #incomplete = false

  /** A comparison. `detail` says what was compared; on failure the second text says what was found. */
  check(name: string, passed: boolean, detail: string, found?: string): boolean {
    const text = passed || found === undefined ? detail : `${detail}: ${found}`
    this.#add({ name, result: passed ? 'pass' : 'fail', detail: text })
    return passed
  }

  /** A check that is required and could not be made. */
  missing(name: string, why: string): void {
    this.#incomplete = true
    this.#add({ name, result: 'skipped', detail: why })
  }

  /** A check that does not apply here. */
  notApplicable(name: string, why: string): void {
    this.#add({ name, result: 'skipped', detail: why })
  }

  has(name: string): boolean {
    return this.#steps.has(name)
  }

  verdict(assurance: Assurance): Verdict {
    const steps = [...this.#steps.values()]
    const failed = steps.some(({ result }) => result === 'fail')
    const outcome: Outcome = failed ? 'rejected' : this.#incomplete ? 'incomplete' : 'accepted'
    return { outcome, assurance, steps }
  }

  #add({ name, result, detail }: VerdictStep): void {
    const step = { name, result, detail: oneLine(detail) }
    const earlier = this.#steps.get(step.name)
    const isWorse = !earlier || WEIGHT[step.result] > WEIGHT[earlier.result]
    const isNewer = earlier?.result === step.result && step.result !== 'fail'
    if (isWorse || isNewer) this.#steps.set(step.name, step)
  }
}

const MAX_DETAIL = 500

/** Details may quote what a provider wrote: no line breaks, no terminal sequences, no change of direction. */
function oneLine(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
  return plain.length > MAX_DETAIL ? `${plain.slice(0, MAX_DETAIL)}…` : plain
}

const WEIGHT: Record<VerdictStep['result'], number> = { pass: 0, skipped: 1, fail: 2 }

/** The step that failed first, or null. */
export const firstFailure = (verdict: Verdict): VerdictStep | null =>
  verdict.steps.find(({ result }) => result === 'fail') ?? null

/** The worse of two outcomes, the weaker assurance, all steps. */
export function combineVerdicts(first: Verdict, second: Verdict): Verdict {
  const worse = (a: Outcome, b: Outcome): Outcome => (SEVERITY[a] >= SEVERITY[b] ? a : b)
  const weaker = (a: Assurance, b: Assurance): Assurance => (STRENGTH[a] <= STRENGTH[b] ? a : b)
  return {
    outcome: worse(first.outcome, second.outcome),
    assurance: weaker(first.assurance, second.assurance),
    steps: [...first.steps, ...second.steps],
  }
}

const SEVERITY: Record<Outcome, number> = { accepted: 0, incomplete: 1, rejected: 2 }
const STRENGTH: Record<Assurance, number> = { none: 0, simulated: 1, tdx: 2 }
