import { keccak256 } from 'ethers/crypto'
import { concat } from 'ethers/utils'
import { type Address, bytesToHex, type Hex, hexToBytes } from '../../base/hex.ts'
import { recoverDigest } from '../signature.ts'

/**
 * The layout of a delivered model, as the deployed network writes it:
 * `signature 65 ‖ nonce 12 ‖ (ciphertext ‖ tag 16)*`, AES-256-GCM over 64 MiB of plaintext each.
 * Chunk i is sealed under nonce + i; the signature is over keccak256 of all tags, without EIP-191.
 * @see client-wire.md 2.8, provider-broker.md 2.7
 */
export const ARTIFACT = {
  signatureBytes: 65,
  nonceBytes: 12,
  tagBytes: 16,
  keyBytes: 32,
  /** Where the first chunk begins. */
  headerBytes: 65 + 12,
  /** Plaintext of every chunk but the last. */
  chunkBytes: 64 * 1024 * 1024,
} as const

/** One chunk of a sealed file: where its ciphertext begins and how long it is without its tag. */
export interface ArtifactChunk {
  readonly index: number
  readonly offset: number
  readonly bytes: number
}

/** Length of the sealed file for so many bytes of plaintext. */
export function artifactBytes(plaintextBytes: number): number {
  const chunks = Math.ceil(plaintextBytes / ARTIFACT.chunkBytes)
  return ARTIFACT.headerBytes + plaintextBytes + chunks * ARTIFACT.tagBytes
}

/** The chunks of a sealed file of that length, or null when no artifact has that length. */
export function artifactChunks(sealedBytes: number): ArtifactChunk[] | null {
  const sealedChunk = ARTIFACT.chunkBytes + ARTIFACT.tagBytes
  const chunks: ArtifactChunk[] = []
  for (let offset: number = ARTIFACT.headerBytes; offset < sealedBytes; offset += sealedChunk) {
    const bytes = Math.min(sealedChunk, sealedBytes - offset) - ARTIFACT.tagBytes
    if (bytes <= 0) return null
    chunks.push({ index: chunks.length, offset, bytes })
  }
  return chunks.length ? chunks : null
}

/** Nonce of a chunk: the file's, counted up as one big-endian number that wraps. */
export function chunkNonce(nonce: Uint8Array, index: number): Uint8Array {
  const result = Uint8Array.from(nonce)
  for (let at = result.length - 1, carry = index; at >= 0 && carry > 0; at--) {
    const sum = result[at]! + (carry % 256)
    result[at] = sum % 256
    carry = Math.floor(carry / 256) + Math.floor(sum / 256)
  }
  return result
}

/** What the provider's enclave signs: the tags stand for every byte of ciphertext. */
export const artifactDigest = (tags: readonly Uint8Array[]): Hex => keccak256(concat(tags)) as Hex

/** A signature as the layout holds it: recovery id 0 or 1 instead of 27 or 28. */
export function artifactSignature(signature: Hex): Uint8Array {
  const bytes = hexToBytes(signature)
  if (bytes[64]! >= 27) bytes[64]! -= 27
  return bytes
}

/** Who signed the tags, or null when the signature is none. Takes both forms of the recovery id. */
export function artifactSigner(signature: Uint8Array, tags: readonly Uint8Array[]): Address | null {
  const usual = Uint8Array.from(signature)
  if (usual[64]! < 27) usual[64]! += 27
  return recoverDigest(artifactDigest(tags), `0x${bytesToHex(usual)}`)
}
