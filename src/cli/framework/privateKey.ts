import { AppError, EXIT } from '../../base/errors.ts'
import { type Hex, hexToBytes } from '../../base/hex.ts'
import { addressOf } from '../../protocol/signature.ts'

/** A private key from what a user gave. @throws AppError `key_invalid`; the text is never repeated */
export function asPrivateKey(text: string): Hex {
  const key = text.trim().replace(/^(0x)?/, '0x')
  try {
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new TypeError('not 32 bytes of hex')
    addressOf(hexToBytes(key)) // refuses what is no number of the curve
    return key as Hex
  } catch {
    throw new AppError({
      code: 'key_invalid',
      message: 'That is no private key',
      hint: 'A private key is 64 hex digits, with or without 0x',
      next: '0g-compute help environment',
      exitCode: EXIT.noKey,
    })
  }
}
