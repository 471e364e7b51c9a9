/** The few DER encodings that certificates are made of. @see https://www.itu.int/rec/T-REC-X.690 */
const encode = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag]), lengthOf(content), content])

function lengthOf({ length }: Uint8Array): Buffer {
  if (length < 0x80) return Buffer.from([length])
  return length < 0x100 ? Buffer.from([0x81, length]) : Buffer.from([0x82, length >> 8, length & 0xff])
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => encode(0x30, Buffer.concat(items))
export const set = (...items: readonly Uint8Array[]): Buffer => encode(0x31, Buffer.concat(items))
export const explicit = (number: number, item: Uint8Array): Buffer => encode(0xa0 + number, item)
export const octets = (content: Uint8Array): Buffer => encode(0x04, content)
export const bits = (content: Uint8Array): Buffer => encode(0x03, Buffer.concat([Buffer.alloc(1), content]))
export const utf8 = (text: string): Buffer => encode(0x0c, Buffer.from(text))
export const boolean = (value: boolean): Buffer => encode(0x01, Buffer.from([value ? 0xff : 0]))
export const enumerated = (value: number): Buffer => encode(0x0a, Buffer.from([value]))

/** A non-negative integer of any length. */
export function integer(value: number | Uint8Array): Buffer {
  const digits = typeof value === 'number' ? value.toString(16) : Buffer.from(value).toString('hex')
  const bytes = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex')
  return encode(0x02, bytes[0]! & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
}

export function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]]
  return encode(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]))
}

/** GeneralizedTime, to the second. @param time ms */
export const time = (time: number): Buffer =>
  encode(0x18, Buffer.from(`${new Date(time).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`))

function base128(value: number): number[] {
  const digits = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}
