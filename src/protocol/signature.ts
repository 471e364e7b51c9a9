import { computeAddress, concat, getBytes, hashMessage, hexlify, keccak256 } from 'ethers'
import { recover, signRecoverable } from 'tiny-secp256k1'
import type { Address, Hex } from '../base/hex.ts'

/** secp256k1 private key, 32 bytes. */
export type PrivateKey = Uint8Array

/**
 * Signs a 32-byte digest: RFC 6979, low s.
 * @returns 65 bytes r ‖ s ‖ v with v 27 or 28, the form that the contracts and every client accept
 */
export function signDigest(key: PrivateKey, digest: Hex): Hex {
  const { signature, recoveryId } = signRecoverable(getBytes(digest), key)
  return concat([signature, Uint8Array.of(27 + recoveryId)]) as Hex
}

/**
 * Address whose key signed the digest, or null when the signature is no signature: wrong length,
 * v other than 27 or 28, high s, a point that is not on the curve.
 */
export function recoverDigest(digest: Hex, signature: string): Address | null {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return null
  const bytes = getBytes(signature)
  const recoveryId = bytes[64]! - 27
  if (recoveryId !== 0 && recoveryId !== 1) return null
  if (isHighS(bytes.subarray(32, 64))) return null
  try {
    const publicKey = recover(getBytes(digest), bytes.subarray(0, 64), recoveryId, false)
    return publicKey && addressOfPublicKey(publicKey)
  } catch {
    return null
  }
}

/** Address of a private key. */
export const addressOf = (key: PrivateKey): Address => computeAddress(hexlify(key)) as Address

/** Digest that `personal_sign` signs for a text. EIP-191, version 0x45. */
export const personalTextDigest = (text: string): Hex => hashMessage(text) as Hex

/** Digest that `personal_sign` signs for 32 raw bytes. */
export const personalBytesDigest = (bytes: Hex): Hex => hashMessage(getBytes(bytes)) as Hex

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

const isHighS = (s: Uint8Array): boolean => BigInt(hexlify(s)) > HALF_ORDER

const addressOfPublicKey = (publicKey: Uint8Array): Address =>
  `0x${keccak256(publicKey.subarray(1)).slice(26)}` as Address
