import { FREE_MEMORY, startKeccak } from './keccakModule.ts'

/** Bytes of a leaf of the tree. */
export const CHUNK_BYTES = 256
/** Leaves of a segment, the unit that storage nodes keep. */
export const SEGMENT_CHUNKS = 1024
export const SEGMENT_BYTES = CHUNK_BYTES * SEGMENT_CHUNKS
export const HASH_BYTES = 32

/** In the hash's memory: the segment that fills up, and the hashes of its tree. */
const SEGMENT_AT = FREE_MEMORY
const HASHES_AT = SEGMENT_AT + SEGMENT_BYTES
const PAGES = Math.ceil((HASHES_AT + SEGMENT_CHUNKS * HASH_BYTES) / 65_536)

/** Hashes segments, one after another: write the bytes to `segment`, then ask for the root. */
export class SegmentHasher {
  readonly #keccak = startKeccak(PAGES)
  readonly #hashes = new Uint8Array(this.#keccak.memory.buffer, HASHES_AT, SEGMENT_CHUNKS * HASH_BYTES)
  readonly segment = new Uint8Array(this.#keccak.memory.buffer, SEGMENT_AT, SEGMENT_BYTES)

  /** Root of the first bytes of `segment`, with zeros behind them, as one of so many leaves. */
  rootOfSegment(bytes: number, chunks: number): Uint8Array {
    this.segment.fill(0, bytes, chunks * CHUNK_BYTES)
    this.#keccak.leaves(SEGMENT_AT, chunks, HASHES_AT)
    for (let count = chunks; count > 1; count = this.#parents(count));
    return this.#hashes.slice(0, HASH_BYTES)
  }

  /** Root over hashes: pairs level by level. */
  rootOfHashes(hashes: readonly Uint8Array[]): Uint8Array {
    let level = hashes
    while (level.length > 1) {
      const parents: Uint8Array[] = []
      // As many as the memory takes at once, an even number: pairs stay together.
      for (let from = 0; from < level.length; from += SEGMENT_CHUNKS) {
        const part = level.slice(from, from + SEGMENT_CHUNKS)
        for (const [i, hash] of part.entries()) this.#hashes.set(hash, i * HASH_BYTES)
        const count = this.#parents(part.length)
        for (let i = 0; i < count; i++) parents.push(this.#hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES))
      }
      level = parents
    }
    return level[0]!
  }

  /** Replaces hashes by those of their pairs; one that is left over goes up as it is. @returns how many there are now */
  #parents(count: number): number {
    const pairs = count >> 1
    const single = count % 2 === 1 ? this.#hashes.slice((count - 1) * HASH_BYTES, count * HASH_BYTES) : null
    if (pairs > 0) this.#keccak.nodes(HASHES_AT, pairs, HASHES_AT)
    if (single) this.#hashes.set(single, pairs * HASH_BYTES)
    return count - pairs
  }
}
