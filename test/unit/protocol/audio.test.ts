import { describe, expect, it } from 'vitest'
import { durationOf } from '../../../src/protocol/audio/durationOf.ts'
import { audioFormat, audioSeconds, billableSeconds } from '../../../src/protocol/audio/index.ts'
import { type Recording, wav } from '../../support/recording.ts'
// Made by libsndfile 1.2.2: silence, as each of its encoders writes it.
import vectors from './audio.vectors.json' with { type: 'json' }

const vector = (name: keyof typeof vectors): Buffer => Buffer.from(vectors[name].file, 'base64')
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const box = (name: string, content: Buffer): Buffer =>
  Buffer.concat([u32(8 + content.length), Buffer.from(name), content])

/** An MP4 of nothing but its header. */
const mp4 = (header: Buffer): Buffer =>
  Buffer.concat([box('ftyp', Buffer.from('M4A isom')), box('free', u32(0)), box('moov', box('mvhd', header))])
const zeros = (bytes: number): Buffer => Buffer.alloc(bytes)

describe('the length of a recording', () => {
  it.each<[string, Recording, number]>([
    ['one second', { bytes: 32_000 }, 1],
    ['a begun second', { bytes: 32_001 }, 2],
    ['stereo', { bytes: 64_000, channels: 2 }, 1],
    ['44,100 Hz, 24 bits', { bytes: 264_600, rate: 44_100, bits: 24, channels: 2 }, 1],
    ['other chunks before it', { bytes: 32_000, before: 'abcd' }, 1],
    ['a header that says less than there is', { bytes: 96_000, claimed: 1 }, 3],
    ['a header that says more than there is', { bytes: 32_000, claimed: 0xffffffff }, 1],
    ['nothing', {}, 0],
  ])('is exact for WAV: %s', (_name, file, seconds) => {
    expect(audioSeconds(wav(file))).toEqual({ most: seconds, isExact: true })
    expect(billableSeconds(wav(file))).toBe(seconds)
  })

  it.each([
    ['compressed WAV', wav({ bytes: 75_000, format: 0x55 })],
    ['a rate of nothing', wav({ bytes: 75_000, rate: 0 })],
    ['no samples', wav({}).subarray(0, 30)],
    [
      'a chunk without end',
      Buffer.concat([wav({}).subarray(0, 12), Buffer.from('LIST'), Buffer.alloc(4, 255)]),
    ],
    [
      'more chunks than any recording has',
      Buffer.concat([wav({}).subarray(0, 36), zeros(8 * 1000), wav({ bytes: 64_000 }).subarray(36)]),
    ],
    ['another format', Buffer.from('OggS'.padEnd(7500))],
    ['nothing', Buffer.alloc(0)],
  ])('is bounded by the size of others: %s', (_name, file) => {
    expect(audioSeconds(file)).toEqual({ most: Math.ceil((file.length * 8) / 6000), isExact: false })
    expect(billableSeconds(file)).toBe(audioSeconds(file).most)
  })

  it.each([
    ['flac', 'flac', 2.5],
    ['vorbis', 'ogg', 2.5],
    ['opus', 'ogg', 2.5],
    // Whole frames, and what the encoder put before them.
    ['mp3', 'mp3', 2.736],
    ['mp3cd', 'mp3', 1.306],
  ] as const)('is read of what an encoder wrote: %s', (name, format, seconds) => {
    expect(audioFormat(vector(name))).toBe(format)
    expect(durationOf(vector(name))).toBeCloseTo(seconds, 3)
    expect(vectors[name].seconds).toBeLessThanOrEqual(seconds)
  })

  it('is read of MP4, in both of its forms', () => {
    expect(audioFormat(mp4(zeros(100)))).toBe('mp4')
    expect(durationOf(mp4(Buffer.concat([zeros(12), u32(600), u32(900), zeros(80)])))).toBe(1.5)
    const long = [Buffer.from([1]), zeros(19), u32(600), u32(0), u32(1200), zeros(80)]
    expect(durationOf(mp4(Buffer.concat(long)))).toBe(2)
    expect(durationOf(mp4(zeros(100)))).toBeNull()
  })

  it.each([
    [
      'a tag before the frames',
      Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x01\x01'), zeros(129), vector('mp3')]),
    ],
    ['rubbish between them', Buffer.concat([vector('mp3'), Buffer.from('TAG'.padEnd(128)), vector('mp3')])],
  ])('counts every frame of MP3: %s', (name, file) => {
    expect(durationOf(file)).toBeCloseTo(name.startsWith('a tag') ? 2.736 : 5.472, 3)
  })

  it.each([
    ['several streams in one', Buffer.concat([vector('opus'), vector('opus')])],
    ['a header that is cut', vector('flac').subarray(0, 20)],
    ['boxes of no size', Buffer.concat([box('ftyp', zeros(4)), u32(3), Buffer.from('moov')])],
    ['WebM', Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0])],
    ['a tag and no frame', Buffer.from('ID3\x04\0\0\0\0\0\0')],
    ['text', Buffer.from('hello')],
  ])('is nothing that is guessed: %s', (_name, file) => {
    expect(durationOf(file)).toBeNull()
    expect(billableSeconds(file)).toBe(audioSeconds(file).most)
  })

  it('of MP3 is at most its frames, and what fits beside them', () => {
    const { length } = vector('mp3')
    expect(length * 8).toBeGreaterThan(3 * 6000)
    expect(audioSeconds(vector('mp3'))).toEqual({ most: 3, isExact: false })
    const beside = Buffer.concat([vector('mp3'), zeros(7500)])
    expect(audioSeconds(beside)).toEqual({ most: 13, isExact: false })
    // A tag may say of itself that it is the whole file.
    const tagged = Buffer.concat([Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7f'), vector('mp3')])
    expect(audioSeconds(tagged).most).toBe(Math.ceil((tagged.length * 8) / 6000))
  })

  it('of MP3 is not of frames that stand in the middle of something else', () => {
    // As a decoder sees that goes by what follows the tag, of a codec whose packets can be filled up.
    const other = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0'), Buffer.from('OggS'.padEnd(104_400))])
    for (let at = 100; at < other.length; at += 1044) other.set([0xff, 0xfb, 0xe0, 0], at)
    expect(audioFormat(other)).toBe('mp3')
    expect(audioSeconds(other).most).toBe(Math.ceil((other.length * 8) / 6000))
  })

  it('is not exact for WAV whose samples may be other ones than its header says first', () => {
    const file = wav({ bytes: 750_000, rate: 48_000, bits: 32, channels: 2 })
    const format = file.subarray(12, 36)
    const twice = Buffer.concat([file.subarray(0, 12), format, file.subarray(12)])
    expect(audioSeconds(file)).toEqual({ most: 2, isExact: true })
    expect(audioSeconds(twice)).toEqual({ most: Math.ceil((twice.length * 8) / 6000), isExact: false })
    /** WAVE_FORMAT_EXTENSIBLE: what is inside stands in a field of its own. */
    const extended = (inside: number): Buffer => {
      const head = Buffer.concat([format, zeros(24)])
      head.writeUInt32LE(40, 4)
      head.writeUInt16LE(0xfffe, 8)
      head.writeUInt16LE(22, 24)
      head.writeUInt16LE(inside, 32)
      return Buffer.concat([file.subarray(0, 12), head, file.subarray(36)])
    }
    expect(audioSeconds(extended(1))).toEqual({ most: 2, isExact: true })
    expect(audioSeconds(extended(3))).toEqual({ most: 2, isExact: true })
    // MP3, which has 25 minutes there at 4 kbit/s.
    expect(audioSeconds(extended(0x55)).isExact).toBe(false)
    expect(audioSeconds(extended(0x55)).most).toBeGreaterThanOrEqual(1000)
  })

  it('of a file that only begins like MP3 is what fits into it, without a long search', () => {
    const junk = Buffer.concat([vector('mp3'), Buffer.alloc(1024 * 1024, 0xff)])
    expect(durationOf(junk)).toBeNull()
    expect(audioSeconds(junk).most).toBeGreaterThan(1398)
    expect(billableSeconds(junk)).toBe(audioSeconds(junk).most)
  })

  it('lets a second be billed beyond what a compressed file says, and never more than fits into it', () => {
    const padded = Buffer.concat([vector('vorbis'), zeros(30_000)])
    expect(billableSeconds(padded)).toBe(4)
    expect(billableSeconds(vector('flac').subarray(0, 42))).toBe(1)
  })
})
