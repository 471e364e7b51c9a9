import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFile, peakOf, WORKS } from './memory/peak.ts'

/**
 * `node scripts/memory.ts [MiB]`: peak memory of everything that is done to a large file (1 GiB), each in a program
 * of its own. Exit 1 when one takes more than 200 MB.
 */
const LIMIT_MB = 200
const mebibytes = Number(process.argv[2] ?? 1024)

const folder = mkdtempSync(join(tmpdir(), 'memory-'))
const file = join(folder, 'file')
try {
  makeFile(file, mebibytes)
  console.log(`a file of ${mebibytes} MiB, at most ${LIMIT_MB} MB`)
  for (const work of WORKS) {
    const { peak, seconds } = peakOf(work, file)
    const isFine = peak <= LIMIT_MB * 1e6
    console.log(
      `${isFine ? 'ok  ' : 'FAIL'} ${work.padEnd(8)} ${(peak / 1e6).toFixed(0).padStart(4)} MB  ${seconds.toFixed(1)} s`,
    )
    if (!isFine) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
