import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { figure } from '../bench/chart.ts'
import { RESULTS, type Report, type Result } from '../bench/report.ts'

/**
 * Writes the tables of `docs/BENCHMARKS.md` from `bench/results/`, so that no figure there is typed by hand.
 * `--check` only says whether the page is current.
 */
interface Saved extends Report {
  readonly at: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string }
  readonly remarks: readonly string[]
}

const PAGE = join(import.meta.dirname, '../docs/BENCHMARKS.md')
const BEGIN = '<!-- figures: npm run benchmarks -->'
const END = '<!-- end of figures -->'

const page = readFileSync(PAGE, 'utf8')
const [before, rest] = split(page, BEGIN)
const [, after] = split(rest, END)
const files = existsSync(RESULTS) ? readdirSync(RESULTS).filter((name) => name.endsWith('.json')) : []
const sections = files.sort().map((name) => section(JSON.parse(readFileSync(join(RESULTS, name), 'utf8'))))
const current = `${before}${BEGIN}\n\n${sections.join('\n')}\n${END}${after}`

if (!process.argv.includes('--check')) writeFileSync(PAGE, current)
else if (current !== page) {
  console.error('docs/BENCHMARKS.md is not what bench/results/ say: run node scripts/benchmarks.ts')
  process.exitCode = 1
}

function section({ bench, at, machine, versions = {}, results, remarks }: Saved): string {
  const subjects = [...new Set(results.map(({ subject }) => subject))]
  const ids = [...new Set(results.map(({ id }) => id))]
  const cell = (id: string, subject: string) => {
    const found = results.find((result) => result.id === id && result.subject === subject)
    if (!found) return ''
    return found.value === null
      ? `not run: ${found.why}`
      : `${figure(found.value, found.unit)}${range(found)}`
  }
  const unitOf = (id: string) => results.find((result) => result.id === id)!.unit
  const named = subjects.map((subject) => (versions[subject] ? `${subject} ${versions[subject]}` : subject))
  return [
    `## ${bench}`,
    '',
    `\`npm run bench:${bench} -- --save\`, ${at.slice(0, 10)}, ${machine.cores} cores (${machine.cpu}), Node ${machine.node}.`,
    '',
    `| id | unit | ${named.join(' | ')} |`,
    `|---|---|${subjects.map(() => '---:|').join('')}`,
    ...ids.map((id) => `| \`${id}\` | ${unitOf(id)} | ${subjects.map((s) => cell(id, s)).join(' | ')} |`),
    '',
    ...remarks.map((remark) => `- ${remark}`),
    ...(remarks.length ? [''] : []),
    `![${bench}](../bench/results/${bench}.svg)`,
    '',
  ].join('\n')
}

/** From the smallest to the largest; nothing where it is one figure. */
function range({ spread, unit }: Result): string {
  const [least, most] = (spread ?? []).map((end) => figure(end, unit))
  return least === most ? '' : ` (${least} to ${most})`
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at < 0) throw new Error(`docs/BENCHMARKS.md has no line ${mark}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}
