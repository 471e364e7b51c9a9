import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { EncryptionKey } from './tee.ts'

/** PKCS #8 of an X25519 key up to its 32 bytes. @see https://www.rfc-editor.org/rfc/rfc8410 */
const PKCS8_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** The X25519 pair of 32 secret bytes. */
export function encryptionKeyOf(secret: Uint8Array): EncryptionKey {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, secret]), type: 'pkcs8', format: 'der' })
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  return { privateKey: secret, publicKey: Buffer.from(x!, 'base64url') }
}
