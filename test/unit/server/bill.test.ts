import { describe, expect, it } from 'vitest'
import { feeOf } from '../../../src/protocol/pricing.ts'
import { boundedCounts } from '../../../src/provider/server/bill.ts'
import { readInferenceRequest } from '../../../src/provider/server/inferenceRequest.ts'
import { readImageRequest } from '../../../src/provider/server/media.ts'
import { dearestPrices, multipliersFor } from '../../../src/provider/server/priceTiers.ts'

const MODEL = { id: 'm', digest: null, contextLength: 4096, kinds: ['chat', 'image'] } as const
const ask = (max_tokens: number) => {
  const body = { model: 'm', messages: [], max_tokens }
  return readInferenceRequest('chat/completions', Buffer.from(JSON.stringify(body)), body, [MODEL])
}

describe('boundedCounts', () => {
  const context = { request: ask(10), promptTokens: 100 }

  it('leaves counts within the bound as they are', () => {
    for (const stated of [
      { input: 100, output: 10 },
      { input: 60, cachedInput: 40, output: 3 },
      { input: 0, cachedInput: 0, output: 0 },
    ])
      expect(boundedCounts({ stated, generatedBytes: 9 }, context)).toEqual(stated)
  })

  it('counts no more than was set aside, what came from a cache first', () => {
    const stated = { input: 80, cachedInput: 40, output: 11 }
    expect(boundedCounts({ stated, generatedBytes: 900 }, context)).toEqual({
      input: 60,
      cachedInput: 40,
      output: 10,
    })
    expect(boundedCounts({ stated: { input: 1e15, cachedInput: 1e15 }, generatedBytes: 0 }, context)).toEqual(
      {
        input: 0,
        cachedInput: 100,
        output: 0,
      },
    )
  })

  it('counts no more than the bytes that came, and sixteen', () => {
    const long = { request: ask(1000), promptTokens: 100 }
    expect(boundedCounts({ stated: { input: 1, output: 500 }, generatedBytes: 50 }, long).output).toBe(66)
  })

  it('leaves images to those who count them', () => {
    const raw = Buffer.from('{}')
    const request = readImageRequest(raw, { model: 'm', n: 2 }, [MODEL])
    expect(boundedCounts({ stated: { image: 2 }, generatedBytes: 0 }, { request, promptTokens: 0 })).toEqual({
      image: 2,
    })
  })

  it('never comes to more than was set aside, whatever is stated and whichever tier that falls in', () => {
    const prices = { input: 1000n, cachedInput: 999n, output: 4000n }
    const tiers = [
      { above: 10, input: 50, output: 150 },
      { above: 50, input: 300, output: 101 },
    ]
    const aside = dearestPrices(prices, tiers, 100)
    const most = 100n * aside.input! + 10n * aside.output!
    const sizes = [0, 1, 11, 49, 51, 99, 100, 101, 1e9, Number.MAX_SAFE_INTEGER]
    for (const input of sizes)
      for (const cachedInput of sizes)
        for (const output of sizes) {
          const counts = boundedCounts(
            { stated: { input, cachedInput, output }, generatedBytes: 1e6 },
            context,
          )
          const prompt = counts.input! + counts.cachedInput!
          expect(feeOf(counts, prices, multipliersFor(tiers, 0, prompt))).toBeLessThanOrEqual(most)
        }
  })
})
