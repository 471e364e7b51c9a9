import { describe, expect, it } from 'vitest'
import { segmentsIn, toSrt, toVtt } from '../../../src/client/media/subtitles.ts'

const SEGMENTS = [
  { start: 0, end: 1.2345, text: ' one ' },
  { start: 59.9996, end: 3725.5, text: 'two\n\nlines --> and an arrow' },
]

describe('subtitles', () => {
  it('have their times and texts in each form', () => {
    expect(toSrt(SEGMENTS)).toBe(
      '1\n00:00:00,000 --> 00:00:01,235\none\n\n2\n00:01:00,000 --> 01:02:05,500\ntwo\nlines → and an arrow\n',
    )
    expect(toVtt(SEGMENTS)).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:01\.235\none\n\n00:01:00\.000 --> /)
  })

  it('are of segments that can be read, and of nothing else', () => {
    const segment = { start: 1, end: 2, text: 'a' }
    const document = { segments: [segment, { start: -1, end: 2, text: 'b' }, { start: '1' }, null] }
    expect(segmentsIn(JSON.stringify(document))).toEqual([segment])
    for (const text of ['', 'what was heard', '{"segments":1}', 'null']) expect(segmentsIn(text)).toEqual([])
  })
})
