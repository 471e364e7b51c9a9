/** Outcome of one part: counts, and a reason for each skip. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skips: readonly string[]
}

export interface Part {
  readonly name: string
  run(): Promise<Tally>
}

export const emptyTally = (): Tally => ({ passed: 0, failed: 0, skips: [] })

export const skipped = (reason: string): Tally => ({ passed: 0, failed: 0, skips: [reason] })

export const addTallies = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skips: [...a.skips, ...b.skips],
})
