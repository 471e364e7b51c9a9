export interface Recording {
  readonly rate?: number
  readonly channels?: number
  readonly bits?: number
  readonly format?: number
  /** Of silence. */
  readonly bytes?: number
  /** Bytes of samples, as the header says. */
  readonly claimed?: number
  /** Another chunk, before the format. */
  readonly before?: string
}

/** A WAV file of silence: mono, 16 bits, 16,000 samples a second where nothing else is said. */
export function wav(recording: Recording): Buffer {
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
  fmt.writeUInt32LE((rate * channels * bits) / 8, 8)
  fmt.writeUInt16LE((channels * bits) / 8, 12)
  fmt.writeUInt16LE(bits, 14)
  const other = before ? [chunk('LIST', before.length), Buffer.from(before)] : []
  const samples = [chunk('data', claimed), Buffer.alloc(bytes)]
  const body = Buffer.concat([Buffer.from('WAVE'), ...other, chunk('fmt ', 16), fmt, ...samples])
  return Buffer.concat([chunk('RIFF', body.length), body])
}

/** So many seconds of silence. */
export const silence = (seconds: number): Buffer => wav({ bytes: seconds * 32_000 })
