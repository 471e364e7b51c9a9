import { decrypt, encrypt } from 'eciesjs'
import { AppError } from '../../base/errors.ts'
import type { PrivateKey } from '../signature.ts'

/** What ECIES adds: ephemeral public key 65 ‖ nonce 16 ‖ tag 16. @see client-wire.md 2.8 */
export const ECIES_OVERHEAD = 65 + 16 + 16

/**
 * Encrypts a few bytes, such as an artifact's key, so that only the holder of a secp256k1 key reads them.
 * @param publicKey 33 or 65 bytes, as recovered from the user's signature or attested by a provider
 * @returns ephemeral public key ‖ nonce ‖ tag ‖ ciphertext, as the deployed network's libraries read it
 * @throws AppError `wrong_public_key` when it is not a point of the curve
 */
export function eciesEncrypt(publicKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  try {
    return encrypt(publicKey, plaintext)
  } catch (cause) {
    throw new AppError({
      code: 'wrong_public_key',
      message: 'The key to encrypt for is not a secp256k1 public key',
      hint: 'It comes from the provider’s evidence or from a signature: one of them is damaged.',
      cause,
    })
  }
}

/**
 * Opens what `eciesEncrypt` or the deployed broker sealed.
 * @throws AppError `key_not_for_this_wallet` when it was sealed for another key, or changed
 */
export function eciesDecrypt(key: PrivateKey, sealed: Uint8Array): Uint8Array {
  try {
    return decrypt(key, sealed)
  } catch (cause) {
    throw new AppError({
      code: 'key_not_for_this_wallet',
      message: 'The sealed key does not open with this wallet',
      hint: 'Only the wallet that signed the task can open it. Choose it with --wallet.',
      cause,
    })
  }
}
