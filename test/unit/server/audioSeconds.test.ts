import { describe, expect, it } from 'vitest'
import { audioSeconds } from '../../../src/provider/server/audioSeconds.ts'

interface Recording {
  readonly rate?: number
  readonly channels?: number
  readonly bits?: number
  readonly format?: number
  readonly bytes?: number
  /** Bytes of samples, as the header says. */
  readonly claimed?: number
  readonly before?: string
}

function wav(recording: Recording): Buffer {
  const { rate = 16_000, channels = 1, bits = 16, format = 1, bytes = 0, before = '' } = recording
  const { claimed = bytes } = recording
  const chunk = (name: string, size: number) => {
    const head = Buffer.alloc(8)
    head.write(name)
    head.writeUInt32LE(size, 4)
    return head
  }
  const fmt = Buffer.alloc(16)
  fmt.writeUInt16LE(format, 0)
  fmt.writeUInt16LE(channels, 2)
  fmt.writeUInt32LE(rate, 4)
  fmt.writeUInt16LE(bits, 14)
  const other = before ? [chunk('LIST', before.length), Buffer.from(before)] : []
  const body = [
    Buffer.from('WAVE'),
    ...other,
    chunk('fmt ', 16),
    fmt,
    chunk('data', claimed),
    Buffer.alloc(bytes),
  ]
  return Buffer.concat([chunk('RIFF', 0), ...body])
}

describe('the length of a recording', () => {
  it.each([
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
  })

  it.each([
    ['compressed WAV', wav({ bytes: 75_000, format: 0x55 })],
    ['a rate of nothing', wav({ bytes: 75_000, rate: 0 })],
    ['no samples', wav({}).subarray(0, 30)],
    [
      'a chunk without end',
      Buffer.concat([wav({}).subarray(0, 12), Buffer.from('LIST'), Buffer.alloc(4, 255)]),
    ],
    ['another format', Buffer.from('OggS'.padEnd(7500))],
    ['nothing', Buffer.alloc(0)],
  ])('is bounded by the size of others: %s', (_name, file) => {
    expect(audioSeconds(file)).toEqual({ most: Math.ceil((file.length * 8) / 6000), isExact: false })
  })
})
