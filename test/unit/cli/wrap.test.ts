import { describe, expect, it } from 'vitest'
import { wrap } from '../../../src/cli/framework/wrap.ts'

describe('wrap', () => {
  it('breaks between words, and keeps the indentation', () => {
    const text = '  1. deposit one and open your account'
    expect(wrap(text, 20)).toBe('  1. deposit one and\n    open your\n    account')
  })

  it('leaves what fits, what has no spaces, and what goes to no terminal', () => {
    for (const text of ['short', `0x${'1'.repeat(64)}`, 'a\nb']) expect(wrap(text, 20)).toBe(text)
    expect(wrap('x '.repeat(100), undefined)).toBe('x '.repeat(100))
  })

  it('does not count colours', () => {
    const red = '\u001b[31mfour five six seven\u001b[39m'
    expect(wrap(red, 20)).toBe(red)
  })
})
