import { describe, expect, it } from 'vitest'
import { FrameSplitter } from '../../../src/provider/server/frames.ts'
import { Meter } from '../../../src/provider/server/meter.ts'

const STREAM = Buffer.from(
  'data: {"choices":[{"delta":{"content":"né"}}]}\n\n: comment\n\ndata: {"choices":[{"delta":{"content":"uron 🙂"}}]}\r\n\r\ndata:{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\ndata: [DONE]\n\ntail',
)

describe('frames of a stream', () => {
  it('are the same however the bytes arrive, and lose none', () => {
    const whole = new FrameSplitter().push(STREAM).map((frame) => frame.data)
    expect(whole).toEqual([
      '{"choices":[{"delta":{"content":"né"}}]}',
      '',
      '{"choices":[{"delta":{"content":"uron 🙂"}}]}',
      '{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}',
      '[DONE]',
    ])
    for (let size = 1; size <= STREAM.length; size++) {
      const splitter = new FrameSplitter()
      const frames = []
      for (let at = 0; at < STREAM.length; at += size)
        frames.push(...splitter.push(STREAM.subarray(at, at + size)))
      expect(frames.map((frame) => frame.data)).toEqual(whole)
      expect(Buffer.concat([...frames.map((frame) => frame.bytes), splitter.rest()])).toEqual(STREAM)
    }
  })
})

describe('meter', () => {
  it('takes the usage of the engine and counts frames with content', () => {
    const meter = new Meter()
    for (const frame of new FrameSplitter().push(STREAM)) meter.read(frame.data)
    expect(meter.usage).toEqual({ input: 5, output: 2, cached: 0 })
    expect(meter.deltas).toBe(2)
    expect(meter.text).toBe('néuron 🙂')
  })

  it.each([
    ['{"choices":[{"delta":{"role":"assistant"}}]}', 0],
    ['{"choices":[{"delta":{"content":""}}]}', 0],
    ['{"choices":[{"delta":{"reasoning_content":"hm"}}]}', 1],
    ['{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}', 1],
    ['{"choices":[{"text":"x"}]}', 1],
    ['{"choices":[{"message":{"content":"x"}}]}', 1],
    ['not json', 0],
    ['null', 0],
  ])('counts content in %s', (json, deltas) => {
    const meter = new Meter()
    meter.read(json)
    expect(meter.deltas).toBe(deltas)
  })

  it.each([
    '{"usage":{"prompt_tokens":-1}}',
    '{"usage":{"prompt_tokens":1.5,"completion_tokens":1}}',
    '{"usage":null}',
  ])('does not believe %s', (json) => {
    const meter = new Meter()
    meter.read(json)
    expect(meter.usage).toBeNull()
  })
})
