import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

const PIECE = 1 << 20

/** Files below a folder that hold a text, in UTF-8. */
export function canaryIn(folder: string, text: string): string[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => holds(path, Buffer.from(text)))
}

function holds(path: string, text: Buffer): boolean {
  const file = openSync(path, 'r')
  try {
    let kept = Buffer.alloc(0)
    const piece = Buffer.alloc(PIECE)
    for (;;) {
      const read = readSync(file, piece)
      if (read === 0) return false
      const whole = Buffer.concat([kept, piece.subarray(0, read)])
      if (whole.includes(text)) return true
      kept = whole.subarray(-text.length)
    }
  } finally {
    closeSync(file)
  }
}
