/** Bits a second of the thriftiest speech codec in use (Opus at its lowest): no recording is longer for its size. */
const LEAST_BITRATE = 6000

const RIFF_HEADER = 12
const CHUNK_HEADER = 8
const FORMAT = 16
/** Whole numbers, floating point, and either of them described at length. */
const PCM_FORMATS = new Set([1, 3, 0xfffe])

export interface AudioLength {
  /** The longest that it can be. */
  readonly most: number
  /** Whether that is also what it is: uncompressed audio says so itself. */
  readonly isExact: boolean
}

/** How many begun seconds a recording has, from its bytes: exact for WAV, for others what fits into its size. */
export function audioSeconds(file: Buffer): AudioLength {
  const wav = readWav(file)
  if (wav) return { most: Math.ceil((file.length - wav.samplesAt) / wav.bytesPerSecond), isExact: true }
  return { most: Math.ceil((file.length * 8) / LEAST_BITRATE), isExact: false }
}

/**
 * Uncompressed WAV: rate, channels and width of its samples, and where they begin; null for anything else. What the
 * header says of their number is not believed: a decoder may go on to the end of the file.
 */
function readWav(file: Buffer): { readonly bytesPerSecond: number; readonly samplesAt: number } | null {
  const name = (at: number) => file.toString('latin1', at, at + 4)
  if (name(0) !== 'RIFF' || name(8) !== 'WAVE') return null
  let bytesPerSecond: number | null = null
  for (let at = RIFF_HEADER; at + CHUNK_HEADER <= file.length; ) {
    const size = file.readUInt32LE(at + 4)
    const content = at + CHUNK_HEADER
    if (name(at) === 'data') return bytesPerSecond === null ? null : { bytesPerSecond, samplesAt: content }
    if (name(at) === 'fmt ' && content + FORMAT <= file.length) bytesPerSecond = pcmRate(file, content)
    at = content + size + (size % 2)
  }
  return null
}

function pcmRate(file: Buffer, at: number): number | null {
  const [format, channels] = [file.readUInt16LE(at), file.readUInt16LE(at + 2)]
  const [rate, bits] = [file.readUInt32LE(at + 4), file.readUInt16LE(at + 14)]
  const bytes = rate * channels * (bits / 8)
  return PCM_FORMATS.has(format) && bytes > 0 ? bytes : null
}
