import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeFile, peakOf, WORKS } from '../../../scripts/memory/peak.ts'

/** `node scripts/memory.ts` takes 1 GiB; this is enough to tell whether a file is held whole. */
const MEBIBYTES = 256
const LIMIT = 200e6

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-'))
  makeFile(join(folder, 'file'), MEBIBYTES)
})
afterAll(() => rmSync(folder, { recursive: true }))

it.each(WORKS)(
  '%s of a large file takes less than 200 MB',
  (work) => {
    expect(peakOf(work, join(folder, 'file')).peak).toBeLessThan(LIMIT)
  },
  60_000,
)
