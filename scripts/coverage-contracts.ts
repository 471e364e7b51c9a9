import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from './test/spawn.ts'

/**
 * Line and branch coverage of `contracts/` by the unit and fuzz tests (the stateful invariants do not count). Exits 1
 * below 95 % of either.
 *
 * Counted is what `forge coverage --ir-minimum` marks: without the IR pipeline the contracts do not compile. It never
 * marks a line inside an `assembly` block as run: such lines count as not run in the first figure, and are left out of
 * the second. Branches of `if` in assembly count as not taken.
 */
const ROOT = join(import.meta.dirname, '..')
const LCOV = 'cache/coverage/lcov.info'
const GOAL = 0.95

interface FileCoverage {
  readonly file: string
  /** By line number, how often it ran. */
  readonly lines: Map<number, number>
  /** Line and whether it was taken. */
  readonly branches: { readonly line: number; readonly taken: boolean }[]
}

interface Share {
  readonly hit: number
  readonly of: number
}

mkdirSync(join(ROOT, 'cache/coverage'), { recursive: true })
const { code, output } = await runProgram(
  'forge',
  ['coverage', '--ir-minimum', '--report', 'lcov', '--report-file', LCOV, '--color', 'never'].concat([
    '--no-match-path',
    'test/contracts/invariants/*',
  ]),
  { FOUNDRY_PROFILE: 'coverage', FOUNDRY_FUZZ_RUNS: '32' },
)
if (code !== 0) throw new Error(`forge coverage failed:\n${output.slice(-4000)}`)

const files = parseLcov(readFileSync(join(ROOT, LCOV), 'utf8')).filter(({ file }) =>
  file.startsWith('contracts/'),
)
console.log(
  `${'file'.padEnd(44)} ${'lines'.padStart(16)} ${'in assembly'.padStart(12)} ${'branches'.padStart(16)}`,
)
const all: Share[] = []
const written: Share[] = []
const branches: Share[] = []
for (const coverage of files) {
  const assembly = assemblyLines(readFileSync(join(ROOT, coverage.file), 'utf8'))
  const lines = [...coverage.lines]
  const plain = share(lines.filter(([line]) => !assembly.has(line)).map(([, runs]) => runs > 0))
  const taken = share(coverage.branches.map((branch) => branch.taken))
  all.push(share(lines.map(([, runs]) => runs > 0)))
  written.push(plain)
  branches.push(taken)
  const inAssembly = String(lines.length - plain.of)
  console.log(`${coverage.file.padEnd(44)} ${show(plain)} ${inAssembly.padStart(12)} ${show(taken)}`)
  for (const miss of missesOf(coverage, assembly)) console.log(`  ${miss}`)
}
console.log(`lines, those in assembly as not run   ${show(total(all))}`)
console.log(`lines outside assembly                ${show(total(written))}`)
console.log(`branches                              ${show(total(branches))}`)
const reached = [total(all), total(branches)].every(({ hit, of }) => hit >= GOAL * of)
if (!reached) console.log(`below ${GOAL * 100} %`)
process.exitCode = reached ? 0 : 1

/** @see https://github.com/linux-test-project/lcov (`geninfo`, tracefile format) */
function parseLcov(text: string): FileCoverage[] {
  const found: FileCoverage[] = []
  for (const row of text.split('\n')) {
    const [kind, rest = ''] = row.split(/:(.*)/s, 2)
    if (kind === 'SF') found.push({ file: rest, lines: new Map(), branches: [] })
    const fields = rest.split(',')
    if (kind === 'DA') found.at(-1)?.lines.set(Number(fields[0]), Number(fields[1]))
    if (kind === 'BRDA')
      found.at(-1)?.branches.push({ line: Number(fields[0]), taken: Number(fields[3] ?? 0) > 0 })
  }
  return found
}

/** Numbers of the lines from `assembly (…) {` to its closing brace. */
function assemblyLines(source: string): Set<number> {
  const found = new Set<number>()
  let depth = 0
  for (const [index, line] of source.split('\n').entries()) {
    if (depth === 0 && !/^\s*assembly\b.*\{/.test(line)) continue
    found.add(index + 1)
    depth += line.split('{').length - line.split('}').length
  }
  return found
}

function missesOf({ lines, branches }: FileCoverage, assembly: Set<number>): string[] {
  const missed = [...lines].filter(([line, runs]) => runs === 0 && !assembly.has(line)).map(([line]) => line)
  const untaken = branches.filter(({ taken }) => !taken).map(({ line }) => line)
  return [
    ...(missed.length ? [`lines not run: ${missed.join(', ')}`] : []),
    ...(untaken.length ? [`branches not taken: ${untaken.join(', ')}`] : []),
  ]
}

function share(hits: readonly boolean[]): Share {
  return { hit: hits.filter(Boolean).length, of: hits.length }
}

function total(shares: readonly Share[]): Share {
  const sum = (part: keyof Share) => shares.reduce((soFar, each) => soFar + each[part], 0)
  return { hit: sum('hit'), of: sum('of') }
}

function show({ hit, of }: Share): string {
  const percent = of === 0 ? '' : `${((100 * hit) / of).toFixed(1)} %`
  return `${hit}/${of}`.padStart(9) + percent.padStart(8)
}
