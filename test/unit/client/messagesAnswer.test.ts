import { describe, expect, it } from 'vitest'
import { MessagesAnswer } from '../../../src/client/messagesAnswer.ts'

const read = (events: readonly object[]) => {
  const answer = new MessagesAnswer()
  const shown = events.map((event) => answer.read(JSON.stringify(event))).join('')
  return { answer, shown }
}
const USAGE = {
  input_tokens: 5,
  cache_read_input_tokens: 4,
  cache_creation_input_tokens: 1,
  output_tokens: 1,
}

describe("an answer of Anthropic's Messages", () => {
  it('is put together from its events: text, thoughts, calls, what the beginning and the end count', () => {
    const { answer, shown } = read([
      { type: 'message_start', message: { usage: USAGE } },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hé' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
      { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', name: 'f', input: {} } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{}' } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7 } },
      { type: 'message_stop' },
    ])
    expect(shown).toBe('Hé')
    expect(answer).toMatchObject({
      text: 'Hé',
      deliveredBytes: 3 + 2 + 1 + 2,
      finishReason: 'tool_use',
      usage: { promptTokens: 10, completionTokens: 7 },
      done: true,
    })
  })

  it('is read whole', () => {
    const content = [{ type: 'text', text: 'Yes' }, null, { type: 'tool_use', name: 'f', input: { a: 'bc' } }]
    const { answer } = read([{ type: 'message', content, usage: USAGE, stop_reason: 'end_turn' }])
    expect(answer).toMatchObject({ text: 'Yes', deliveredBytes: 3 + 1 + 2, finishReason: 'end_turn' })
    expect(answer.usage).toEqual({ promptTokens: 10, completionTokens: 1 })
  })

  it('ends a sealed stream as its caller expects', () => {
    const answer = new MessagesAnswer()
    expect(answer.eventOf('{"type":"ping"}')).toBe('event: ping\ndata: {"type":"ping"}\n\n')
    expect(answer.read('[DONE]')).toBe('')
    expect([answer.done, answer.eventOf('[DONE]')]).toEqual([
      true,
      'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ])
  })

  it('that is an error is thrown, as is what is no JSON', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'busy', code: 'engine_died' } }
    expect(() => read([error])).toThrow(expect.objectContaining({ code: 'engine_died' }))
    expect(() => new MessagesAnswer().read('<html>')).toThrow(
      expect.objectContaining({ code: 'provider_answer_malformed' }),
    )
  })
})
