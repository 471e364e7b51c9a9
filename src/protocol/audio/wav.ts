import { nameAt, viewOf } from './bytes.ts'

const RIFF_HEADER = 12
const CHUNK_HEADER = 8
const FORMAT = 16
/** Where a format that is described at length says what it is. */
const INSIDE = 24
/** Before the samples. Brokers count what strangers send: no long search. */
const MAX_CHUNKS = 1000
/** Whole numbers and floating point. */
const PCM_FORMATS = new Set([1, 3])
/** Either of them, or another one, described at length. */
const EXTENSIBLE = 0xfffe

/**
 * Begun seconds of uncompressed WAV; null for anything else. What the header says of the number of samples is not
 * believed: a decoder may go on to the end of the file.
 */
export function wavSeconds(file: Uint8Array): number | null {
  if (nameAt(file, 0) !== 'RIFF' || nameAt(file, 8) !== 'WAVE') return null
  const view = viewOf(file)
  let bytesPerSecond: number | null = null
  let formats = 0
  let at = RIFF_HEADER
  for (let chunk = 0; chunk < MAX_CHUNKS && at + CHUNK_HEADER <= file.length; chunk++) {
    const size = view.getUint32(at + 4, true)
    const content = at + CHUNK_HEADER
    if (nameAt(file, at) === 'data') {
      // Of two formats a decoder may go by either.
      if (bytesPerSecond === null || formats > 1) return null
      return Math.ceil((file.length - content) / bytesPerSecond)
    }
    if (nameAt(file, at) === 'fmt ' && content + FORMAT <= file.length) {
      bytesPerSecond = pcmRate(view, content)
      formats++
    }
    at = content + size + (size % 2)
  }
  return null
}

function pcmRate(view: DataView, at: number): number | null {
  const [said, channels] = [view.getUint16(at, true), view.getUint16(at + 2, true)]
  const isLong = said === EXTENSIBLE && at + INSIDE + 2 <= view.byteLength
  const format = isLong ? view.getUint16(at + INSIDE, true) : said
  const [rate, bits] = [view.getUint32(at + 4, true), view.getUint16(at + 14, true)]
  const bytes = rate * channels * (bits / 8)
  return PCM_FORMATS.has(format) && bytes > 0 ? bytes : null
}
