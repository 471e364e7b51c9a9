import { getAddress } from 'ethers/address'
import { type Address, bytesToHex, type Hex, hexToBytes } from '../base/hex.ts'
import { keccak } from '../base/keccak.ts'
import { secp256k1 } from './secp256k1.ts'

/** secp256k1 private key, 32 bytes. */
export type PrivateKey = Uint8Array

/**
 * Signs a 32-byte digest: RFC 6979, low s.
 * @returns 65 bytes r ‖ s ‖ v with v 27 or 28, the form that the contracts and every client accept
 */
export function signDigest(key: PrivateKey, digest: Hex): Hex {
  const { signature, recid } = secp256k1.sign(hexToBytes(digest), key)
  return `0x${bytesToHex(signature)}${(27 + recid).toString(16)}`
}

/**
 * Address whose key signed the digest, or null when the signature is no signature: wrong length,
 * v other than 27 or 28, high s, a point that is not on the curve.
 */
export function recoverDigest(digest: Hex, signature: string): Address | null {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return null
  const bytes = hexToBytes(signature)
  const recid = bytes[64]! - 27
  if (recid !== 0 && recid !== 1) return null
  if (isHighS(signature)) return null
  try {
    return addressOfPublicKey(secp256k1.recover(bytes.subarray(0, 64), recid, hexToBytes(digest)))
  } catch {
    return null
  }
}

/** Address of a private key, with EIP-55's checksum. */
export const addressOf = (key: PrivateKey): Address =>
  getAddress(addressOfPublicKey(secp256k1.publicKey(key))) as Address

/** Digest that `personal_sign` signs for a text. EIP-191, version 0x45. */
export const personalTextDigest = (text: string): Hex => personalDigest(new TextEncoder().encode(text))

/** Digest that `personal_sign` signs for 32 raw bytes. */
export const personalBytesDigest = (bytes: Hex): Hex => personalDigest(hexToBytes(bytes))

function personalDigest(message: Uint8Array): Hex {
  const prefix = new TextEncoder().encode(`\x19Ethereum Signed Message:\n${message.length}`)
  const bytes = new Uint8Array(prefix.length + message.length)
  bytes.set(prefix)
  bytes.set(message, prefix.length)
  return `0x${bytesToHex(keccak(bytes))}`
}

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** @param signature 65 bytes r ‖ s ‖ v */
const isHighS = (signature: string): boolean => BigInt(`0x${signature.slice(66, 130)}`) > HALF_ORDER

const addressOfPublicKey = (publicKey: Uint8Array): Address =>
  `0x${bytesToHex(keccak(publicKey.subarray(1))).slice(24)}`
