import { decodeBase64 } from 'ethers/utils'
import { bytesToHex } from '../base/hex.ts'
import { malformedEvidence } from './malformed.ts'

/** Bytes of an even number of lower-case hex digits. @throws AppError `evidence_malformed` */
export function strictHex(text: unknown, what: string, length?: number): Uint8Array {
  if (typeof text !== 'string' || text.length % 2) throw malformedEvidence(`${what} is no hex`)
  if (length !== undefined && text.length !== 2 * length) {
    throw malformedEvidence(`${what} has not ${length} bytes`)
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const value = (digitOf(text.charCodeAt(2 * i)) << 4) | digitOf(text.charCodeAt(2 * i + 1))
    if (value < 0) throw malformedEvidence(`${what} is no hex`)
    bytes[i] = value
  }
  return bytes
}

/** -1 for what is no lower-case hex digit. */
const digitOf = (code: number): number =>
  code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1

/** Bytes of padded base64. @throws AppError `evidence_malformed` */
export function strictBase64(text: unknown, what: string): Uint8Array {
  if (typeof text !== 'string' || text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw malformedEvidence(`${what} is no base64`)
  }
  return decodeBase64(text)
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** First bytes of a value, for people. */
export const shortHex = (bytes: Uint8Array | string): string => {
  const hex = typeof bytes === 'string' ? bytes : bytesToHex(bytes)
  return hex.length > 20 ? `${hex.slice(0, 16)}…` : hex
}

/** sha384 by WebCrypto, which Node and browsers share. */
export async function sha384(...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const data = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-384', data))
}
