import { createHash } from 'node:crypto'
import { createKeccak } from 'hash-wasm'
import type { Hex } from '../../base/hex.ts'
import { filePieces } from '../../storage/filePieces.ts'

/** keccak256 of a file's bytes, in constant memory. */
export async function keccak256File(path: string): Promise<Hex> {
  const hash = await createKeccak(256)
  for await (const bytes of filePieces(path)) hash.update(bytes)
  return `0x${hash.digest('hex')}`
}

/** sha256 of a file's bytes, 64 hex digits, in constant memory. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of filePieces(path)) hash.update(bytes)
  return hash.digest('hex')
}
