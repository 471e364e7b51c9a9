import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Result, report } from './report.ts'

const ROUNDS = 10
const PROGRAM = join(import.meta.dirname, '../bin/0g-compute.js')

const COMMANDS = {
  node: ['-e', '0'],
  help: [PROGRAM, '--help'],
  version: [PROGRAM, '--version'],
} as const

/** Time of the whole process, medians of rounds that take turns; the first round warms the caches. */
const times: Record<string, number[]> = { node: [], help: [], version: [] }
for (let round = 0; round <= ROUNDS; round++) {
  for (const [id, args] of Object.entries(COMMANDS)) {
    const startedAt = performance.now()
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
    if (status !== 0) throw new Error(`${id} ended with ${status}`)
    if (round > 0) times[id]!.push(performance.now() - startedAt)
  }
}

const results: Result[] = Object.entries(times).map(([id, values]) => {
  const sorted = values.toSorted((a, b) => a - b)
  const value = (sorted[ROUNDS / 2 - 1]! + sorted[ROUNDS / 2]!) / 2
  return { id, subject: 'ours', value, unit: 'ms', spread: [sorted[0]!, sorted.at(-1)!] }
})

const median = (id: string) => results.find((result) => result.id === id)!.value!
report({ bench: 'cli', results }, [
  `--help costs ${(median('help') / median('node')).toFixed(2)} times node -e 0`,
  `--version costs ${(median('version') / median('node')).toFixed(2)} times node -e 0`,
])
