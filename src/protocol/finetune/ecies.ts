import { SigningKey } from 'ethers/crypto'
import { getBytes } from 'ethers/utils'
import { AppError } from '../../base/errors.ts'
import type { PrivateKey } from '../signature.ts'

const POINT_BYTES = 65
const NONCE_BYTES = 16
const TAG_BYTES = 16

/** What ECIES adds: ephemeral public key 65 ‖ nonce 16 ‖ tag 16. @see client-wire.md 2.8 */
export const ECIES_OVERHEAD = POINT_BYTES + NONCE_BYTES + TAG_BYTES

/**
 * Encrypts a few bytes, such as an artifact's key, so that only the holder of a secp256k1 key reads them.
 * @param publicKey 33 or 65 bytes, as recovered from the user's signature or attested by a provider
 * @returns ephemeral public key ‖ nonce ‖ tag ‖ ciphertext, as the deployed network's libraries read it
 * @throws AppError `wrong_public_key` when it is not a point of the curve
 */
export async function eciesEncrypt(publicKey: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
  const ephemeral = new SigningKey(crypto.getRandomValues(new Uint8Array(32)))
  const sender = getBytes(ephemeral.publicKey)
  const key = await sharedKey(sender, pointFor(ephemeral, publicKey))
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const data = Uint8Array.from(plaintext)
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, data))
  return joined(sender, iv, sealed.subarray(data.length), sealed.subarray(0, data.length))
}

/**
 * Opens what `eciesEncrypt` or the deployed broker sealed.
 * @throws AppError `key_not_for_this_wallet` when it was sealed for another key, or changed
 */
export async function eciesDecrypt(receiver: PrivateKey, sealed: Uint8Array): Promise<Uint8Array> {
  try {
    const sender = sealed.subarray(0, POINT_BYTES)
    const iv = Uint8Array.from(sealed.subarray(POINT_BYTES, POINT_BYTES + NONCE_BYTES))
    const tag = sealed.subarray(POINT_BYTES + NONCE_BYTES, ECIES_OVERHEAD)
    const data = joined(sealed.subarray(ECIES_OVERHEAD), tag)
    const key = await sharedKey(sender, sharedPoint(new SigningKey(receiver), sender))
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, data))
  } catch (cause) {
    throw new AppError({
      code: 'key_not_for_this_wallet',
      message: 'The sealed key does not open with this wallet',
      hint: 'Only the wallet that signed the task can open it. Choose it with --wallet.',
      cause,
    })
  }
}

/** @throws AppError `wrong_public_key` */
function pointFor(ephemeral: SigningKey, publicKey: Uint8Array): Uint8Array {
  try {
    return sharedPoint(ephemeral, publicKey)
  } catch (cause) {
    throw new AppError({
      code: 'wrong_public_key',
      message: 'The key to encrypt for is not a secp256k1 public key',
      hint: 'It comes from the provider’s evidence or from a signature: one of them is damaged.',
      cause,
    })
  }
}

/** Diffie-Hellman on secp256k1, as an uncompressed point. */
function sharedPoint(key: SigningKey, publicKey: Uint8Array): Uint8Array {
  // Ethers takes 32 bytes for a private key and 64 for a point without its prefix.
  if (publicKey.length !== 33 && publicKey.length !== POINT_BYTES) throw new RangeError('not a public key')
  return getBytes(key.computeSharedSecret(publicKey))
}

/** HKDF-SHA256 over both points, without salt and info: the key of AES-256-GCM. */
async function sharedKey(sender: Uint8Array, point: Uint8Array): Promise<CryptoKey> {
  const empty = new Uint8Array()
  const master = await crypto.subtle.importKey('raw', joined(sender, point), 'HKDF', false, ['deriveKey'])
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: empty, info: empty },
    master,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(parts.flatMap((part) => [...part]))
