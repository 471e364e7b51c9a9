import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeFile, peakOf, WORKS, type Work } from '../../../scripts/memory/peak.ts'

/** `node scripts/memory.ts` takes 1 GiB; this is enough to tell whether a file is held whole. */
const MEBIBYTES = 256
const LIMIT = 200e6
const RUNS = 5

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-'))
  makeFile(join(folder, 'file'), MEBIBYTES)
})
afterAll(() => rmSync(folder, { recursive: true }))

it.each(WORKS)('%s of a large file takes less than 200 MB', (work) => {
  expect(leastPeakOf(work)).toBeLessThan(LIMIT)
})

/** When garbage is collected is up to chance: what a work needs is the least that one of its runs took, bytes. */
function leastPeakOf(work: Work): number {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS && least >= LIMIT; run++)
    least = Math.min(least, peakOf(work, join(folder, 'file')).peak)
  return least
}
