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

/** Node's own, where there is one, is ten times as fast. */
const nodeHash = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash

/** sha256 of a text's UTF-8 bytes. */
export const sha256Text = (text: string): Hex =>
  nodeHash ? `0x${nodeHash('sha256', text, 'hex')}` : (sha256(toUtf8Bytes(text)) as Hex)
