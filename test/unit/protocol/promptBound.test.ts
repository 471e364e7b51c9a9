import { describe, expect, it } from 'vitest'
import { mediaIn, promptBound } from '../../../src/protocol/promptBound.ts'

const CONTEXT = 8192
const message = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] })
const picture = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }

describe('promptBound', () => {
  it('takes a byte of text for a token, and the template on top, however long the context is', () => {
    for (const body of [
      {},
      { messages: [{ role: 'user', content: 'hi' }, null] },
      message({ type: 'text', text: 'hi' }),
    ])
      expect(promptBound(10_000, body, CONTEXT)).toBe(10_064)
  })

  it('takes as much as the context holds where there is an image, be it few bytes or many', () => {
    for (const bytes of [100, 1_000_000]) expect(promptBound(bytes, message(picture), CONTEXT)).toBe(CONTEXT)
  })

  it('assumes a size of each image where the context is not known', () => {
    expect(promptBound(100, message(picture, picture), null)).toBe(164 + 2 * 16_384)
  })
})

describe('mediaIn', () => {
  it('counts what is not text, in the results of tools too', () => {
    expect(mediaIn(message({ type: 'text', text: '' }, picture, { type: 'input_audio' }))).toBe(2)
    expect(
      mediaIn(message({ type: 'tool_use' }, { type: 'tool_result', content: [{ type: 'image' }] })),
    ).toBe(1)
    expect(mediaIn(message({ type: 'tool_result', content: 'done' }))).toBe(0)
  })

  it('takes what it does not know for media', () => {
    expect(mediaIn(message(null, { type: 'hologram' }, {}))).toBe(3)
  })
})
