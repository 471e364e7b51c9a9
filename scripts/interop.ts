import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { SUITES } from '../test/interop/suites.ts'
import { type RowResult, runSuite, type Suite } from '../test/interop/support/suite.ts'
import { prepareTrainer } from './demo/python.ts'

/**
 * What works with software that others wrote, one row per capability and direction.
 *
 *     npm run interop -- [--json] [--only <what the id begins with>]
 *
 * Exit 1 when a row failed. Rows that train need Python; where there is none they are left out, and stderr says so.
 */
const isJson = process.argv.includes('--json')
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1]! : ''

const results: RowResult[] = []
for (const suite of SUITES.filter(isWanted)) {
  const problem = suite.trains ? (await prepareTrainer(remark)).why : ''
  if (problem) {
    remark(`${suite.direction}.${suite.name} was left out: ${problem}`)
    continue
  }
  for await (const row of runSuite(suite)) {
    results.push(row)
    if (!isJson) print(`${row.result.padEnd(11)}  ${row.id.padEnd(52)}  ${row.note}`)
  }
}
print(isJson ? JSON.stringify(document(results)) : summary(results))
// The published library keeps a process alive for five minutes after each of its transactions.
process.exit(results.some(({ result }) => result === 'fail') ? 1 : 0)

function isWanted({ direction, name }: Suite): boolean {
  const prefix = `${direction}.${name}`
  return prefix.startsWith(only) || only.startsWith(prefix)
}

/** The libraries under test print to the console; what is said here goes past it. */
function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function remark(line: string): void {
  process.stderr.write(`${line}\n`)
}

function document(rows: readonly RowResult[]): object {
  const peers = ['@0gfoundation/0g-compute-ts-sdk', 'openai']
  return {
    bench: 'interop',
    at: new Date().toISOString(),
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node },
    versions: {
      ours: versionIn('package.json'),
      ...Object.fromEntries(peers.map((name) => [name, versionIn(`node_modules/${name}/package.json`)])),
    },
    results: rows,
  }
}

function versionIn(manifest: string): string {
  return JSON.parse(readFileSync(new URL(`../${manifest}`, import.meta.url), 'utf8')).version
}

function summary(rows: readonly RowResult[]): string {
  const count = (result: RowResult['result']) => rows.filter((row) => row.result === result).length
  return `${rows.length} rows: ${count('pass')} pass, ${count('fail')} fail, ${count('unsupported')} unsupported`
}
