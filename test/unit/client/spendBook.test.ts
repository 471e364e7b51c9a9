import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'

let dir: string
let path: string
let now = Date.UTC(2026, 10, 22, 12)
const open = (limit: bigint | null = 100n) => new SpendBook(path, limit, () => now)

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-spend-'))
  path = join(dir, 'proxy', 'spent.json')
  now = Date.UTC(2026, 10, 22, 12)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('the book of what was spent today', () => {
  it('sets the worst aside, and counts what it came to', () => {
    const book = open()
    const first = book.begin(60n)
    expect(book.today).toBe(60n)
    expect(() => book.begin(41n)).toThrow(expect.objectContaining({ code: 'spending_limit', status: 402 }))
    first.settle(10n)
    first.settle(10n)
    expect(book.today).toBe(10n)
    book.begin(90n).settle(null)
    expect(book.today).toBe(100n)
  })

  it('survives a restart; what was under way then counts in full', () => {
    open().begin(30n).settle(7n)
    open().begin(50n)
    const after = open()
    expect(after.today).toBe(57n)
    expect(() => after.begin(44n)).toThrow(expect.objectContaining({ code: 'spending_limit' }))
    expect(open().today).toBe(57n)
  })

  it('starts afresh on the next day, by UTC, but for what is still under way', () => {
    const book = open()
    book.begin(40n).settle(40n)
    const late = book.begin(20n)
    now += 12 * 3_600_000
    expect(book.today).toBe(20n)
    late.settle(5n)
    expect(book.today).toBe(5n)
    expect(open().today).toBe(5n)
  })

  it('is on disk before a request leaves, for its owner alone', () => {
    open().begin(30n)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      v: 1,
      day: '2026-11-22',
      open: { 1: '30' },
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('knows no limit where there is none, and does not guess at a file it cannot read', () => {
    expect(open(null).begin(10n ** 30n)).toBeDefined()
    writeFileSync(path, '{"v":1,"spent":"lots"}')
    expect(() => open()).toThrow(expect.objectContaining({ code: 'spend_book_malformed', exitCode: 30 }))
  })
})
