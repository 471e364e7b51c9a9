import { nameAt, viewOf } from './bytes.ts'

const PAGE_HEADER = 27
const BEGINS = 0x02
/** Opus counts at this rate whatever was recorded. */
const OPUS_RATE = 48_000
/** On a page where no packet ends. */
const NO_POSITION = 2n ** 64n - 1n

/**
 * The position of the last page by the rate of the first, for one stream of Opus or Vorbis; null for several.
 * @see https://www.rfc-editor.org/rfc/rfc3533#section-6 and rfc7845
 */
export function oggSeconds(file: Uint8Array): number | null {
  const view = viewOf(file)
  let stream: { readonly rate: number; readonly skipped: number } | null = null
  let position = 0n
  for (let at = 0; at + PAGE_HEADER <= file.length && nameAt(file, at) === 'OggS'; ) {
    const segments = view.getUint8(at + 26)
    const body = at + PAGE_HEADER + segments
    if (view.getUint8(at + 5) & BEGINS) {
      if (stream) return null
      stream = streamAt(file, body)
    }
    const here = view.getBigUint64(at + 6, true)
    if (here !== NO_POSITION) position = here
    at = body + file.subarray(at + PAGE_HEADER, body).reduce((size, segment) => size + segment, 0)
  }
  if (!stream || position === 0n) return null
  return Math.max(0, Number(position) - stream.skipped) / stream.rate
}

function streamAt(file: Uint8Array, at: number) {
  const view = viewOf(file)
  if (nameAt(file, at) + nameAt(file, at + 4) === 'OpusHead')
    return { rate: OPUS_RATE, skipped: view.getUint16(at + 10, true) }
  const isVorbis = file[at] === 1 && nameAt(file, at + 1) === 'vorb'
  return isVorbis ? { rate: view.getUint32(at + 12, true), skipped: 0 } : null
}
