import { nameAt, viewOf } from './bytes.ts'

/** Boxes with boxes in them, on the way to the one that says how long the film is. */
const MOVIE = 'moov'
const MOVIE_HEADER = 'mvhd'

/** Duration by its scale; null where it stands in fragments. @see ISO/IEC 14496-12 section 8.2.2 */
export function mp4Seconds(file: Uint8Array): number | null {
  const movie = boxIn(file, MOVIE)
  const header = movie && boxIn(movie, MOVIE_HEADER)
  if (!header) return null
  const view = viewOf(header)
  const isLong = view.getUint8(0) === 1
  const scale = view.getUint32(isLong ? 20 : 12)
  const duration = isLong ? Number(view.getBigUint64(24)) : view.getUint32(16)
  return scale > 0 && duration > 0 ? duration / scale : null
}

/** What the first box of this name holds. */
function boxIn(bytes: Uint8Array, name: string): Uint8Array | null {
  const view = viewOf(bytes)
  for (let at = 0; at + 8 <= bytes.length; ) {
    const short = view.getUint32(at)
    const head = short === 1 ? 16 : 8
    // 1: the size stands behind the name; 0: the box goes on to the end.
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? bytes.length - at : short
    if (size < head) return null
    if (nameAt(bytes, at + 4) === name) return bytes.subarray(at + head, at + size)
    at += size
  }
  return null
}
