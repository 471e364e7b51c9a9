import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Result } from '../report.ts'
import { resultOf } from './resultOf.ts'

const ROUNDS = 10
const PROGRAM = join(import.meta.dirname, '../../bin/0g-compute.js')

const COMMANDS = {
  node: ['-e', '0'],
  help: [PROGRAM, '--help'],
  version: [PROGRAM, '--version'],
} as const

/** Time of the whole process, medians of rounds that take turns; the first round warms the caches. */
export function measureStartup(): Result[] {
  const times: Record<string, number[]> = { node: [], help: [], version: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [id, args] of Object.entries(COMMANDS)) {
      const startedAt = performance.now()
      const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
      if (status !== 0) throw new Error(`${id} ended with ${status}`)
      if (round > 0) times[id]!.push(performance.now() - startedAt)
    }
  }
  return Object.entries(times).map(([id, values]) => resultOf(id, values, 'ms'))
}
