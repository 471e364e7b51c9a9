import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Rows of the table in the provider's page: number and file. */
const ROWS = [...read('docs/PROVIDER.md').matchAll(/^\| (B\d+) \|.*\| `(test\/[^`]+)` \|$/gm)].map(
  ([, number, file]) => ({ number: number!, file: file! }),
)

describe('the weaknesses of the present broker', () => {
  it('stand on the provider’s page, each of them', () => {
    expect(ROWS.map(({ number }) => number)).toEqual(Array.from({ length: 22 }, (_, n) => `B${n + 1}`))
  })

  it.each(ROWS)('$number: a test with its number is where the page says', ({ number, file }) => {
    const names = [...read(file).matchAll(/(?:\bit\(|\bit\.each\([\s\S]*?\]\)\()\s*['"`]([^'"`]+)/g)].map(
      ([, name]) => name,
    )
    expect(names.some((name) => new RegExp(`\\b${number}\\b.*:`).test(name!))).toBe(true)
  })
})
