import { AppError, EXIT } from '../../base/errors.ts'
import { bytesToHex, type Hex } from '../../base/hex.ts'
import { CHUNK_BYTES, SEGMENT_BYTES, SEGMENT_CHUNKS, SegmentHasher } from './segments.ts'

/**
 * The root that 0G Storage knows a file by, computed as its bytes pass: keccak-256 over leaves of 256 bytes,
 * a tree over each segment of 1024 leaves and one over the segments, after zero leaves up to the padded length.
 */
export class ZgRoot {
  readonly #hasher = new SegmentHasher()
  readonly #segments: Uint8Array[] = []
  #bytes = 0

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes
  }

  update(bytes: Uint8Array): this {
    for (let from = 0; from < bytes.length; ) {
      const filled = this.#bytes % SEGMENT_BYTES
      const piece = bytes.subarray(from, from + SEGMENT_BYTES - filled)
      this.#hasher.segment.set(piece, filled)
      this.#bytes += piece.length
      from += piece.length
      if (this.#bytes % SEGMENT_BYTES === 0)
        this.#segments.push(this.#hasher.rootOfSegment(SEGMENT_BYTES, SEGMENT_CHUNKS))
    }
    return this
  }

  /** The root; nothing may be added after it. @throws AppError `file_empty` when there were no bytes */
  digest(): Hex {
    return rootOfSegments(this.#hasher, this.#segments, this.#bytes)
  }
}

/**
 * The root of a file from those of its whole segments.
 * @param hasher holds what is left of the file behind them
 * @throws AppError `file_empty`
 */
export function rootOfSegments(hasher: SegmentHasher, whole: readonly Uint8Array[], bytes: number): Hex {
  if (bytes === 0) throw emptyFile()
  const chunks = paddedChunks(bytes)
  const segments = [...whole]
  const missing = () => chunks - segments.length * SEGMENT_CHUNKS
  const rest = bytes % SEGMENT_BYTES
  if (rest > 0) segments.push(hasher.rootOfSegment(rest, Math.min(SEGMENT_CHUNKS, missing())))
  if (missing() > 0) segments.push(hasher.rootOfSegment(0, Math.min(SEGMENT_CHUNKS, missing())))
  // Only the last one may be shorter, and then it is the only one of zeros.
  while (missing() > 0) segments.push(segments.at(-1)!)
  return `0x${bytesToHex(hasher.rootOfHashes(segments))}`
}

/**
 * Leaves after padding: the next power of two, or the next multiple of a sixteenth of it.
 * @see `computePaddedSize` of @0gfoundation/0g-ts-sdk
 */
function paddedChunks(bytes: number): number {
  const chunks = Math.ceil(bytes / CHUNK_BYTES)
  const unit = Math.max(1, 2 ** Math.ceil(Math.log2(chunks)) / 16)
  return Math.ceil(chunks / unit) * unit
}

const emptyFile = () =>
  new AppError({
    code: 'file_empty',
    message: 'The file is empty',
    hint: '0G Storage has no root for a file without bytes.',
    exitCode: EXIT.malformed,
    status: 400,
  })
