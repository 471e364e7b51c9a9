import { describe, expect, it } from 'vitest'
import { feeOf } from '../../../src/protocol/pricing.ts'

describe('fee', () => {
  it('is counts times prices', () => {
    expect(feeOf({ input: 12, output: 7 }, { input: 100n, output: 400n })).toBe(4000n)
    expect(feeOf({}, {})).toBe(0n)
    expect(feeOf({ input: 0 }, {})).toBe(0n)
  })

  it('rounds each class down after its multiplier', () => {
    const prices = { input: 1n, cachedInput: 1n, output: 1n }
    expect(feeOf({ input: 5, cachedInput: 7 }, prices, { cachedInput: [1, 4] })).toBe(6n)
    expect(feeOf({ input: 3, output: 3 }, prices, { input: [1, 2], output: [1, 2] })).toBe(2n)
  })

  it('is exact beyond what a number holds', () => {
    expect(feeOf({ output: Number.MAX_SAFE_INTEGER }, { output: 10n ** 15n })).toBe(
      9007199254740991n * 10n ** 15n,
    )
  })

  it.each([
    [{ input: -1 }, { input: 1n }, {}],
    [{ input: 1.5 }, { input: 1n }, {}],
    [{ input: Number.NaN }, { input: 1n }, {}],
    [{ input: 1 }, {}, {}],
    [{ input: 1 }, { input: -1n }, {}],
    [{ input: 1 }, { input: 1n }, { input: [1, 0] as const }],
    [{ input: 1 }, { input: 1n }, { input: [-1, 1] as const }],
  ])('refuses %j', (counts, prices, multipliers) => {
    expect(() => feeOf(counts, prices, multipliers)).toThrow(RangeError)
  })
})
