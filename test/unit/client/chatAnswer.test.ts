import { describe, expect, it } from 'vitest'
import { ChatAnswer } from '../../../src/client/chatAnswer.ts'

const delta = (delta: object, more: object = {}) =>
  JSON.stringify({ choices: [{ index: 0, delta, ...more }] })

describe('ChatAnswer', () => {
  it('puts a stream together', () => {
    const answer = new ChatAnswer()
    const shown = [
      JSON.stringify({ id: 'chatcmpl-1', choices: [{ delta: { role: 'assistant' } }] }),
      delta({ content: 'Hé' }),
      delta({ content: 'llo' }, { finish_reason: 'stop' }),
      JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }),
      '[DONE]',
    ].map((data) => answer.read(data))
    expect(shown.join('')).toBe('Héllo')
    expect(answer).toMatchObject({
      text: 'Héllo',
      id: 'chatcmpl-1',
      finishReason: 'stop',
      usage: { promptTokens: 3, completionTokens: 2 },
      deliveredBytes: 6,
      done: true,
    })
  })

  it('reads a whole body', () => {
    const answer = new ChatAnswer()
    const body = { choices: [{ message: { role: 'assistant', content: 'Yes' }, finish_reason: 'length' }] }
    expect(answer.read(JSON.stringify(body))).toBe('Yes')
    expect(answer).toMatchObject({ text: 'Yes', finishReason: 'length', usage: null, deliveredBytes: 3 })
  })

  it('counts reasoning and tool calls as delivered, and shows neither', () => {
    const answer = new ChatAnswer()
    answer.read(delta({ reasoning_content: '12345' }))
    answer.read(delta({ tool_calls: [{ function: { name: 'ab', arguments: 'cde' } }] }))
    expect([answer.text, answer.deliveredBytes]).toEqual(['', 10])
  })

  it('throws what the provider sent as an error', () => {
    const error = { error: { message: 'gone', code: 'engine_died', retryable: true } }
    expect(() => new ChatAnswer().read(JSON.stringify(error))).toThrow(
      expect.objectContaining({ code: 'engine_died', retryable: true }),
    )
  })

  it('refuses what is no answer, and bears any field of another type', () => {
    for (const text of ['', 'x', '1', 'null', '"a"']) {
      expect(() => new ChatAnswer().read(text)).toThrow(
        expect.objectContaining({ code: 'provider_answer_malformed' }),
      )
    }
    const strange = {
      id: 1,
      choices: [null, 1, { delta: null }, { delta: 'x' }, { delta: { content: 5 } }],
      usage: 'x',
    }
    expect(new ChatAnswer().read(JSON.stringify(strange))).toBe('')
    const negative = { choices: [], usage: { prompt_tokens: -1, completion_tokens: 2 } }
    const answer = new ChatAnswer()
    answer.read(JSON.stringify(negative))
    expect(answer.usage).toBeNull()
  })
})
