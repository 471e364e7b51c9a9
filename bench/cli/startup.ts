import { spawnSync } from 'node:child_process'
import type { Result } from '../report.ts'
import { resultOf } from './resultOf.ts'

const ROUNDS = 10

/** Time of the whole process, medians of rounds that take turns; the first round warms the caches. */
export function measureStartup(program: string): Result[] {
  const commands = { node: ['-e', '0'], help: [program, '--help'], version: [program, '--version'] }
  const times: Record<string, number[]> = { node: [], help: [], version: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [id, args] of Object.entries(commands)) {
      const startedAt = performance.now()
      const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
      if (status !== 0) throw new Error(`${id} ended with ${status}`)
      if (round > 0) times[id]!.push(performance.now() - startedAt)
    }
  }
  return Object.entries(times).map(([id, values]) => resultOf(id, values, 'ms'))
}
