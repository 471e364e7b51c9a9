import { open } from 'node:fs/promises'

const PIECE = 1024 * 1024

/**
 * The bytes of a file in pieces of at most 1 MiB. All are the same buffer: a piece is good until the next is asked
 * for, so that reading leaves no garbage, which is what a stream of a large file takes most of its memory for.
 */
export async function* filePieces(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafeSlow(PIECE)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, PIECE)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
