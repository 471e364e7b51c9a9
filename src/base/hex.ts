/** `0x`-prefixed hex string. */
export type Hex = `0x${string}`
/** Ethereum address with `0x`, any case; compare with `sameAddress`. */
export type Address = Hex

/** Node's own, where there is one, is many times as fast. */
const NodeBuffer = globalThis.Buffer as typeof Buffer | undefined
const HEX = '0123456789abcdef'

/** Bytes as lower-case hex without prefix. */
export function bytesToHex(bytes: Uint8Array): string {
  if (NodeBuffer) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  let out = ''
  for (const byte of bytes) out += HEX[byte >> 4]! + HEX[byte & 15]!
  return out
}

/**
 * Hex, with or without `0x`, as bytes.
 * @throws TypeError when it is not an even number of hex digits
 */
export function hexToBytes(hex: string): Uint8Array {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new TypeError('not a hex string')
  if (NodeBuffer) return new Uint8Array(NodeBuffer.from(digits, 'hex'))
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export const isAddress = (value: unknown): value is Address =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)

export const sameAddress = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
