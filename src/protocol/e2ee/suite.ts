import { Chacha20Poly1305 } from '@hpke/chacha20poly1305'
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'

/** HPKE base mode: X25519 with HKDF-SHA256 (0x0020), HKDF-SHA256 (1), ChaCha20-Poly1305 (3). RFC 9180 */
export const SUITE = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
})

export const KEM_ID = '0x0020'

const encoder = new TextEncoder()
/** What requests are sealed for. */
export const REQUEST_INFO = buffer(encoder.encode('0g-pc/v1/seal'))
/** What answers are sealed for. */
export const RESPONSE_INFO = buffer(encoder.encode('0g-pc/v1/resp'))

/** Bytes as WebCrypto takes them. */
export function buffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}
