import { describe, expect, it } from 'vitest'
import { rejoin, wrap } from '../../../src/cli/framework/wrap.ts'

describe('wrap', () => {
  it('breaks between words, and keeps the indentation', () => {
    const text = '  1. deposit one and open your account'
    expect(wrap(text, 20)).toBe('  1. deposit one and\n    open your\n    account')
  })

  it('leaves what fits, what has no spaces, and what goes to no terminal', () => {
    for (const text of ['short', `0x${'1'.repeat(64)}`, 'a\nb']) expect(wrap(text, 20)).toBe(text)
    expect(wrap('x '.repeat(100), undefined)).toBe('x '.repeat(100))
  })

  it('keeps what stands beside labels under itself, where they are short', () => {
    expect(wrap('PASS  node  one two three', 20)).toBe('PASS  node  one two\n            three')
    expect(wrap('  wallet  one two three four', 20)).toBe('  wallet  one two\n          three four')
    const long = 'a text that is long enough to be none  x'
    expect(wrap(long, 20)).toBe('a text that is long\n  enough to be none\n  x')
  })

  it('takes sentences that were broken for a wide page as one line', () => {
    const long = 'x'.repeat(80)
    expect(rejoin(`${long}\ngoes on\n/one  a\n/two  b`)).toBe(`${long} goes on\n/one  a\n/two  b`)
    expect(rejoin(`${long}\nAnother.\nshort`)).toBe(`${long}\nAnother.\nshort`)
  })

  it('does not count colours', () => {
    const red = '\u001b[31mfour five six seven\u001b[39m'
    expect(wrap(red, 20)).toBe(red)
  })
})
