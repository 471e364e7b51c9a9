/** A block of a stream, and whether the stream ends with it. */
export interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly last: boolean
}

/**
 * The same bytes in blocks of one length; the last is shorter or full, and empty when there are no bytes at all.
 * All are the same buffer: a block is good until the next is asked for.
 */
export async function* blocksOf(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Block> {
  const block = new Uint8Array(length)
  let filled = 0
  for await (const bytes of source)
    for (let from = 0; from < bytes.length; ) {
      if (filled === length) {
        yield { bytes: block, last: false }
        filled = 0
      }
      const piece = bytes.subarray(from, from + length - filled)
      block.set(piece, filled)
      filled += piece.length
      from += piece.length
    }
  yield { bytes: block.subarray(0, filled), last: true }
}
