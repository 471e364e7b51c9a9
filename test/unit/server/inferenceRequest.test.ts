import { describe, expect, it } from 'vitest'
import type { EngineModel } from '../../../src/provider/engine/engine.ts'
import { readInferenceRequest, withOutputCap } from '../../../src/provider/server/inferenceRequest.ts'
import type { TokenKind } from '../../../src/provider/server/route.ts'

const MODELS: readonly EngineModel[] = [
  { id: 'm', digest: null, contextLength: 1000, kinds: ['chat', 'completion', 'messages', 'embedding'] },
]

function read(kind: TokenKind, fields: object) {
  const body = { model: 'm', ...fields }
  return readInferenceRequest(kind, Buffer.from(JSON.stringify(body)), body, MODELS)
}

describe('the most that a request can generate', () => {
  it.each([
    ['chat/completions', {}, 1000],
    ['chat/completions', { max_tokens: 5 }, 5],
    ['chat/completions', { max_completion_tokens: 5, max_tokens: null }, 5],
    ['chat/completions', { max_tokens: 5000, n: 2 }, 2000],
    // Engines differ in which of two names they follow.
    ['chat/completions', { max_completion_tokens: 1, max_tokens: 300 }, 300],
    ['chat/completions', { max_completion_tokens: 300, max_tokens: 1 }, 300],
    ['messages', { max_completion_tokens: 1, max_tokens: 300 }, 300],
    ['messages', { max_completion_tokens: 1 }, 1000],
    // llama-server lets its own name overrule the others; other engines do not know it.
    ['chat/completions', { max_tokens: 1, n_predict: 300 }, 300],
    ['chat/completions', { n_predict: 1 }, 1000],
    ['chat/completions', { max_tokens: 5, n_cmpl: 4 }, 20],
    // Each prompt is answered at that length.
    ['completions', { max_tokens: 5, prompt: 'a' }, 5],
    ['completions', { max_tokens: 5, prompt: [1, 2, 3] }, 5],
    ['completions', { max_tokens: 5, prompt: ['a', 'b', 'c'] }, 15],
    ['completions', { max_tokens: 5, n: 2, prompt: [[1, 2], [3], [4]] }, 30],
    ['embeddings', { input: ['a', 'b'] }, 0],
  ] as const)('%s %o: %d', (kind, fields, most) => {
    expect(read(kind, fields).maxOutputTokens).toBe(most)
  })

  it.each([0, -1, 1.5, '5'])('is no n_predict of %o', (value) => {
    expect(() => read('chat/completions', { max_tokens: 1, n_predict: value })).toThrow('n_predict')
  })

  it('is capped under every name that it has', () => {
    const capped = (kind: TokenKind, fields: object) =>
      JSON.parse(withOutputCap(read(kind, fields), 7).forward.toString())
    expect(capped('chat/completions', {})).toEqual({ model: 'm', max_tokens: 7 })
    expect(capped('chat/completions', { max_completion_tokens: 50 })).toEqual({
      model: 'm',
      max_completion_tokens: 7,
    })
    const three = { max_completion_tokens: 50, max_tokens: 60, n_predict: 70 }
    expect(Object.values(capped('chat/completions', three))).toEqual(['m', 7, 7, 7])
    expect(capped('messages', { max_completion_tokens: 50 })).toMatchObject({ max_tokens: 7 })
    expect(withOutputCap(read('completions', { prompt: ['a', 'b'] }), 7).maxOutputTokens).toBe(14)
  })
})
