/** Largest piece that is enciphered at once, in bytes: each makes a new buffer of its length. */
const PIECE = 1024 * 1024

/** The same bytes in pieces of at most 1 MiB. */
export async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source)
    for (let from = 0; from < bytes.length; from += PIECE) yield bytes.subarray(from, from + PIECE)
}
