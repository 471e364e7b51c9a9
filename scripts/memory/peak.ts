import { execFileSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** In the order in which one makes what the next one reads. */
export const WORKS = ['nothing', 'root', 'encrypt', 'decrypt', 'seal', 'open'] as const
export type Work = (typeof WORKS)[number]

/** Peak memory in bytes, and the time, of a program that does this to a file and ends. */
export function peakOf(work: Work, file: string): { readonly peak: number; readonly seconds: number } {
  const output = execFileSync(process.execPath, [join(import.meta.dirname, 'work.ts'), work, file], {
    encoding: 'utf8',
  })
  return JSON.parse(output)
}

/** A file of so many MiB that does not repeat within 1 MiB. */
export function makeFile(path: string, mebibytes: number): void {
  const block = Buffer.from(Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31 + (i >> 8) * 7) & 255))
  const file = openSync(path, 'w')
  for (let i = 0; i < mebibytes; i++) {
    block.writeUInt32LE(i)
    writeSync(file, block)
  }
  closeSync(file)
}
