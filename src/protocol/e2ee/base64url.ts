import { decodeBase64, encodeBase64 } from 'ethers/utils'

/** base64url without padding. @see https://www.rfc-editor.org/rfc/rfc4648#section-5 */
export const toBase64Url = (bytes: Uint8Array): string =>
  encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

/** @throws TypeError for what is no base64url without padding */
export function fromBase64Url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new TypeError('not base64url')
  const padded = text.replaceAll('-', '+').replaceAll('_', '/')
  return decodeBase64(padded.padEnd(Math.ceil(text.length / 4) * 4, '='))
}
