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
  [{ prompt: 'a', max_tokens: 5, n_cmpl: 3 }, 15],
  [{ prompt: 'a', max_completion_tokens: 5, max_tokens: 7 }, 7],
  [{ prompt: 'a', max_tokens: 5, n_predict: 9 }, 9],
])('each prompt of a list may be answered at length: %o', (body, most) => {
  const prepared = prepareBody({ endpoint: '/v1/completions', body, limitsTokens: false }, OFFER)
  expect(prepared.maxTokens).toBe(most)
  expect(prepared.worst).toBe(BigInt(prepared.bytes.length + 64) + 10n * BigInt(most))
})

it('limits an answer where the body does not, and changes no limit of the body', () => {
  const lengths = (body: object) => {
    const spec = { endpoint: '/v1/chat/completions', limitsTokens: true, maxCost: 100_000n } as const
    const { json } = prepareBody({ ...spec, body: { messages: [], ...body } }, OFFER)
    const {
      max_completion_tokens: newer,
      max_tokens: older,
      n_predict: llama,
    } = json as Record<string, number>
    return [newer, older, llama]
  }
  expect(lengths({})).toEqual([undefined, 500, undefined])
  expect(lengths({ max_completion_tokens: 5, max_tokens: 9 })).toEqual([5, 9, undefined])
  expect(lengths({ n_predict: 8 })).toEqual([undefined, undefined, 8])
})
