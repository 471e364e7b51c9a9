import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Result, report } from './report.ts'
import type { Cost } from './scale/measured.ts'

/**
 * `npm run bench:scale`: how cost grows with users, services, charges and receipts. Each step is a process of its own.
 * The exponent is that of the power law through the steps: 1 is linear, and n log n stays below 1.15 over these sizes.
 * `--long` adds the largest steps, which take an hour and 10 GB of disk.
 */
const long = process.argv.includes('--long')
const dir = mkdtempSync(join(tmpdir(), 'zg-scale-'))
const results: Result[] = []
const cpu: Pick = ({ cpuS }) => cpuS * 1000
const cold: Pick = ({ coldMs }) => coldMs ?? Number.NaN

const settle = curve('settle', [10, 100, 1000, 3000, ...(long ? [10_000, 100_000] : [])], cpu, (n) =>
  run('settle', n),
)
const discover = curve('discover', [10, 100, 1000, 5000, ...(long ? [10_000] : [])], cold, (n) =>
  run('discover', n),
)
curve('ledger', [1000, 10_000, 100_000, ...(long ? [1_000_000, 10_000_000] : [])], cpu, (n) =>
  run('ledger', n),
)
const audit = curve('audit', [1000, 10_000, 100_000, 1_000_000], cpu, (n) => {
  run('audit', n, dir, 'fill')
  return run('audit', n, dir)
})
rmSync(dir, { recursive: true })

add('settle1000Cpu', settle.get(1000)!.cpuS, 's')
add('settle1000Memory', settle.get(1000)!.grownMb, 'MB')
add('audit1M', audit.get(1_000_000)!.ms / 1000, 's')
add('auditRss', audit.get(1_000_000)!.rssMb, 'MB')
add('discover5000', discover.get(5000)!.ms, 'ms')
report({ bench: 'scale', results })

/** What a curve shows, ms: a process' own CPU, or the time until the chain has told everything. */
type Pick = (cost: Cost) => number

function curve(
  name: string,
  sizes: readonly number[],
  pick: Pick,
  step: (n: number) => Cost,
): Map<number, Cost> {
  const costs = new Map(sizes.map((n) => [n, step(n)]))
  for (const [n, cost] of costs) add(`curve.${name}.${n}`, pick(cost), 'ms')
  // What does not depend on the size would hide how the rest grows.
  const large = [...costs].slice(1)
  add(`exponent.${name}`, exponentOf(large.map(([n, cost]) => [n, pick(cost)])), 'exponent')
  return costs
}

/** Least squares through the logarithms. */
function exponentOf(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([n, cost]) => [Math.log(n), Math.log(cost)] as const)
  const mean = (pick: 0 | 1) => logs.reduce((sum, point) => sum + point[pick], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  const rise = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0)
  return rise / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
}

function run(part: string, n: number, ...rest: string[]): Cost {
  const file = join(import.meta.dirname, 'scale', `${part}.ts`)
  const { stdout, stderr, status } = spawnSync(process.execPath, [file, String(n), ...rest], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${part} ${n}: ${stderr}`)
  const line = stdout.trim().split('\n').at(-1) as string
  console.error(`${part} ${n}: ${line}`)
  return JSON.parse(line)
}

function add(id: string, value: number, unit: string): void {
  results.push({ id, subject: 'ours', value, unit, spread: [value, value] })
}
