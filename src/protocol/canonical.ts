import canonicalize from 'canonicalize'
import { sha256 } from 'ethers/crypto'
import { toUtf8Bytes } from 'ethers/utils'
import type { Hex } from '../base/hex.ts'

/** Canonical JSON. @see https://www.rfc-editor.org/rfc/rfc8785 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('value has no JSON form')
  return text
}

/** sha256 of a text's UTF-8 bytes. */
export const sha256Text = (text: string): Hex => sha256(toUtf8Bytes(text)) as Hex
