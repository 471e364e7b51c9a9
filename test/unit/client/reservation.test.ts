import { describe, expect, it } from 'vitest'
import { chooseMaxTokens, worstCost } from '../../../src/client/reservation.ts'

const prices = { input: 10n, output: 100n }
const limit = { asked: undefined, maxCost: undefined, contextLength: 4096, promptTokens: 100, prices }

describe('worstCost', () => {
  it('counts prompt and answer', () => {
    expect(worstCost(100, 5, prices)).toBe(1000n + 500n)
  })
})

describe('chooseMaxTokens', () => {
  it('takes what was asked', () => {
    expect(chooseMaxTokens({ ...limit, asked: 7 })).toBe(7)
  })

  it('takes at most half the context otherwise', () => {
    expect(chooseMaxTokens(limit)).toBe(512)
    expect(chooseMaxTokens({ ...limit, contextLength: 100 })).toBe(50)
    expect(chooseMaxTokens({ ...limit, contextLength: 1 })).toBe(1)
  })

  it('takes as many as the limit pays for, exactly', () => {
    expect(chooseMaxTokens({ ...limit, maxCost: 1000n + 3100n })).toBe(31)
    expect(chooseMaxTokens({ ...limit, maxCost: 1000n + 3099n })).toBe(30)
  })

  it('refuses when not one token can be paid, or fewer than were asked for', () => {
    const tooDear = expect.objectContaining({ code: 'max_cost_exceeded' })
    expect(() => chooseMaxTokens({ ...limit, maxCost: 1099n })).toThrow(tooDear)
    expect(() => chooseMaxTokens({ ...limit, maxCost: 999n })).toThrow(tooDear)
    expect(() => chooseMaxTokens({ ...limit, asked: 10, maxCost: 1999n })).toThrow(tooDear)
    expect(chooseMaxTokens({ ...limit, asked: 10, maxCost: 2000n })).toBe(10)
  })
})
