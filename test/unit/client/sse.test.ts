import { describe, expect, it } from 'vitest'
import { EventSplitter } from '../../../src/client/sse.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** The data of all events when the stream arrives in pieces of this size. */
function split(stream: Uint8Array, size: number): string[] {
  const splitter = new EventSplitter()
  const events: string[] = []
  for (let i = 0; i < stream.length; i += size) events.push(...splitter.push(stream.subarray(i, i + size)))
  return [...events, ...splitter.end()]
}

describe('EventSplitter', () => {
  const stream = bytes(
    ': comment\n\ndata: {"a":"é漢😀"}\n\nevent: x\ndata:no space\r\n\r\ndata: one\ndata: two\n\n\n\ndata: [DONE]\n\n',
  )
  const events = ['{"a":"é漢😀"}', 'no space', 'one\ntwo', '[DONE]']

  it('finds the same events wherever the pieces are cut', () => {
    for (let size = 1; size <= stream.length; size++)
      expect(split(stream, size), `size ${size}`).toEqual(events)
  })

  it('gives each event as soon as its blank line is there', () => {
    const splitter = new EventSplitter()
    expect(splitter.push(bytes('data: 1\n'))).toEqual([])
    expect(splitter.push(bytes('\ndata: 2'))).toEqual(['1'])
    expect(splitter.end()).toEqual(['2'])
  })
})
