import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { chart, figure } from './chart.ts'

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

/** Where the last results lie, for `docs/BENCHMARKS.md`. */
export const RESULTS = join(import.meta.dirname, 'results')

/**
 * Prints a table for people, or with `--json` one object and nothing else. With `--save` it is also kept in
 * `bench/results/`, with a chart.
 */
export function report({ bench, results, versions = {} }: Report, remarks: readonly string[] = []): void {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node }
  const at = new Date().toISOString()
  const whole = { bench, at, machine, versions: { ours: version, ...versions }, results }
  if (process.argv.includes('--save')) {
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(join(RESULTS, `${bench}.json`), `${JSON.stringify({ ...whole, remarks }, null, 2)}\n`)
    writeFileSync(join(RESULTS, `${bench}.svg`), chart(`bench:${bench}, ${at.slice(0, 10)}`, results))
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify(whole))
  else printTable(results, remarks)
}

function printTable(results: readonly Result[], remarks: readonly string[]): void {
  const [idWidth, subjectWidth] = [widest(results, 'id'), widest(results, 'subject')]
  for (const { id, subject, value, unit, spread, why } of results) {
    const shown = value === null ? `not run: ${why}` : `${figure(value, unit)} ${unit}`
    const range = spread ? `  (${spread.map((end) => figure(end, unit)).join(' to ')})` : ''
    console.log(`${id.padEnd(idWidth)}  ${subject.padEnd(subjectWidth)}  ${shown}${range}`)
  }
  for (const remark of remarks) console.log(remark)
}

const widest = (results: readonly Result[], field: 'id' | 'subject'): number =>
  Math.max(...results.map((result) => result[field].length))
