import { describe, expect, it } from 'vitest'
import { dearestPrices as agreed, readTiers } from '../../../src/client/priceTiers.ts'
import { feeOf } from '../../../src/protocol/pricing.ts'
import { PriceBook } from '../../../src/provider/server/priceBook.ts'
import { dearestPrices, tiersDocument } from '../../../src/provider/server/priceTiers.ts'

const PRICES = { input: 1001n, output: 3003n }
const TIERS = [
  { above: 100, input: 150, output: 133 },
  { above: 1000, input: 333, output: 200 },
]
const volume = [{ from: 0n, percent: 7 }]

describe('tiers', () => {
  it.each([0, 1, 99, 100, 101, 999, 1000, 1001, 10 ** 6])(
    'are never charged above what a client reads from them and agrees to: %i tokens',
    (tokens) => {
      const read = readTiers(tiersDocument(TIERS))!
      const { input, output } = agreed(PRICES, read, tokens)
      expect({ input, output }).toEqual(dearestPrices(PRICES, TIERS, tokens))
      const multipliers = new PriceBook({ ...PRICES, tiers: TIERS }).multipliersAt(0n)(tokens)
      const fee = feeOf({ input: tokens, output: 7 }, PRICES, multipliers)
      expect(fee).toBeLessThanOrEqual(BigInt(tokens) * input + 7n * output)
    },
  )

  it('do not touch what is not priced by the token; discounts do', () => {
    const book = new PriceBook({ ...PRICES, tiers: TIERS, volume })
    expect(book.multipliersAt(0n)(null)).toEqual({ image: [93, 100], second: [93, 100] })
    expect(new PriceBook({ ...PRICES, tiers: TIERS }).multipliersAt(0n)(null)).toEqual({})
  })
})
