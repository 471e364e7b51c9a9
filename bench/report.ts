import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** One figure: `value` is the median, `spread` minimum and maximum. A peer that could not run has null and a reason. */
export interface Result {
  readonly id: string
  readonly subject: string
  readonly value: number | null
  readonly unit: string
  readonly spread?: readonly [number, number]
  readonly why?: string
}

export interface Report {
  readonly bench: string
  readonly results: readonly Result[]
  /** Versions of the peers. */
  readonly versions?: Readonly<Record<string, string>>
}

/** Prints a table for people, or with `--json` one object and nothing else. */
export function report({ bench, results, versions = {} }: Report, remarks: readonly string[] = []): void {
  if (process.argv.includes('--json')) {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node }
    const at = new Date().toISOString()
    console.log(JSON.stringify({ bench, at, machine, versions: { ours: version, ...versions }, results }))
    return
  }
  for (const { id, subject, value, unit, spread, why } of results) {
    const digits = unit === 'gas' || unit === 'count' ? 0 : 1
    const figure = value === null ? `not run: ${why}` : `${value.toFixed(digits)} ${unit}`
    const range = spread ? `  (${spread.map((end) => end.toFixed(digits)).join(' to ')})` : ''
    console.log(`${id.padEnd(20)} ${subject.padEnd(12)} ${figure}${range}`)
  }
  for (const remark of remarks) console.log(remark)
}
