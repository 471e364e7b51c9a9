import { expect, it } from 'vitest'
import type { Offer } from '../../../src/client/offers.ts'
import { prepareBody } from '../../../src/client/purchase/prepareBody.ts'

const OFFER = {
  model: 'm',
  contextLength: 1000,
  prices: { input: 1n, output: 10n },
  tiers: [],
} as unknown as Offer

it.each([
  [{ prompt: 'a', max_tokens: 5 }, 5],
  [{ prompt: [1, 2, 3], max_tokens: 5, n: 2 }, 10],
  [{ prompt: ['a', 'b', 'c'], max_tokens: 5 }, 15],
  [{ prompt: [[1], [2]] }, 2000],
])('each prompt of a list may be answered at length: %o', (body, most) => {
  const prepared = prepareBody({ endpoint: '/v1/completions', body, limitsTokens: false }, OFFER)
  expect(prepared.maxTokens).toBe(most)
  expect(prepared.worst).toBe(BigInt(prepared.bytes.length + 64) + 10n * BigInt(most))
})
