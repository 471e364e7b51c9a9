import type { FileHandle } from 'node:fs/promises'

/**
 * Writes bytes that nobody needs afterwards, and gives their memory back at once: a cipher makes a buffer for every
 * piece, and the collector would let some 64 MB of them pile up first.
 * @param bytes a buffer that has its memory for itself
 */
export async function writeOnce(file: FileHandle, bytes: Buffer<ArrayBuffer>): Promise<void> {
  await file.writeFile(bytes)
  if (bytes.byteLength === bytes.buffer.byteLength) bytes.buffer.transfer(0)
}
