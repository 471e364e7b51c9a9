import { describe, expect, it } from 'vitest'
import {
  generatedIn,
  generatedInBlock,
  imagesIn,
  outputBound,
  stringBytes,
} from '../../../src/protocol/generated.ts'

describe('what was generated', () => {
  it.each([
    ['text of a frame', { delta: { role: 'assistant', content: 'hé' } }, 3],
    ['a whole message', { message: { role: 'assistant', content: 'hi', refusal: null } }, 2],
    ['a completion', { text: 'four' }, 4],
    ['reasoning', { delta: { reasoning_content: 'well' } }, 4],
    ['calls of tools', { delta: { tool_calls: [{ id: 'a', function: { name: 'b', arguments: '{}' } }] } }, 4],
    ['nothing', { delta: {}, finish_reason: 'stop' }, 0],
    ['nonsense', null, 0],
  ])('counts the bytes of %s', (_name, choice, bytes) => {
    expect(stringBytes(generatedIn(choice))).toBe(bytes)
  })

  it('counts those of a block of messages, but not what kind of block it is', () => {
    expect(stringBytes(generatedInBlock({ type: 'text', text: 'hi' }))).toBe(2)
    expect(stringBytes(generatedInBlock({ type: 'input_json_delta', partial_json: '{"a":1}' }))).toBe(7)
    expect(stringBytes(generatedInBlock('text'))).toBe(0)
  })

  it('bounds tokens by what was asked for, and by the bytes that came', () => {
    expect([outputBound(4, 1000), outputBound(1000, 4), outputBound(1000, 0)]).toEqual([4, 20, 16])
  })

  it('counts images that are there', () => {
    expect(
      imagesIn([{ b64_json: 'AAAA' }, { url: 'https://example.com/a.png' }, {}, { url: '' }, null]),
    ).toBe(2)
    expect(imagesIn('AAAA')).toBe(0)
  })
})
