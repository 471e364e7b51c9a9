import { describe, expect, it } from 'vitest'
import { format0G, format0GPerMillion, parse0G } from '../../../src/base/units.ts'

describe('amounts in 0G', () => {
  it.each([
    ['3', 3n * 10n ** 18n],
    ['0.05', 5n * 10n ** 16n],
    ['0.000000000000000001', 1n],
    [' 12.5 ', 125n * 10n ** 17n],
    ['0', 0n],
  ])('reads %j', (text, neuron) => expect(parse0G(text)).toBe(neuron))

  it.each(['', '-1', '+1', '1e3', '1.', '.5', '0x1', '1,5', 'NaN', '1.0000000000000000001', '1 0'])(
    'refuses %j',
    (text) => expect(() => parse0G(text)).toThrow(expect.objectContaining({ code: 'amount_invalid' })),
  )

  it.each([
    [1n, '0.000000000000000001'],
    [10n ** 18n, '1'],
    [0n, '0'],
    [-(10n ** 17n), '-0.1'],
    [123456789n * 10n ** 18n + 5n, '123456789.000000000000000005'],
  ])('writes %s', (neuron, text) => {
    expect(format0G(neuron)).toBe(text)
  })

  it('loses nothing on the way there and back', () => {
    for (let neuron = 1n; neuron < 10n ** 30n; neuron = neuron * 7n + 3n) {
      expect(parse0G(format0G(neuron))).toBe(neuron)
    }
  })

  it('prices a million units', () => expect(format0GPerMillion(100_000_000_000n)).toBe('0.1'))
})
