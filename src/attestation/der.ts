import { malformedEvidence } from './malformed.ts'

/** One element of a DER encoding. `bytes` is all of it, `content` what is inside. */
export interface DerNode {
  readonly tag: number
  readonly bytes: Uint8Array
  readonly content: Uint8Array
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  explicit0: 0xa0,
  explicit3: 0xa3,
} as const

/** The single element that some bytes are. @throws AppError `evidence_malformed` */
export function readDer(bytes: Uint8Array, what: string): DerNode {
  const [node, ...others] = readDerList(bytes, what)
  if (!node || others.length > 0) throw malformedEvidence(`${what} is no DER`)
  return node
}

/** The elements that stand one after another. @throws AppError `evidence_malformed` */
export function readDerList(bytes: Uint8Array, what: string): DerNode[] {
  const nodes: DerNode[] = []
  for (let at = 0; at < bytes.length; ) {
    const { start, length } = contentAt(bytes, at, what)
    const end = start + length
    if (end > bytes.length) throw malformedEvidence(`${what} is cut short`)
    nodes.push({ tag: bytes[at]!, bytes: bytes.subarray(at, end), content: bytes.subarray(start, end) })
    at = end
  }
  return nodes
}

/** Elements of a node that must have this tag. */
export function childrenOf(node: DerNode | undefined, tag: number, what: string): DerNode[] {
  if (node?.tag !== tag) throw malformedEvidence(`${what} has an unexpected structure`)
  return readDerList(node.content, what)
}

/** Time of a UTCTime or GeneralizedTime, ms. @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 */
export function timeOf(node: DerNode | undefined, what: string): number {
  const text = node ? String.fromCharCode(...node.content) : ''
  const short = node?.tag === TAG.utcTime
  const match = (
    short ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
  ).exec(text)
  if (!match) throw malformedEvidence(`${what} has no time`)
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const century = short ? (year < 50 ? 2000 : 1900) : 0
  return Date.UTC(century + year, month - 1, day, hour, minute, second)
}

function contentAt(bytes: Uint8Array, at: number, what: string): { start: number; length: number } {
  const first = bytes[at + 1]
  if (first === undefined) throw malformedEvidence(`${what} is cut short`)
  if (first < 0x80) return { start: at + 2, length: first }
  const size = first & 0x7f
  if (size === 0 || size > 4) throw malformedEvidence(`${what} has a length that is no DER`)
  let length = 0
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
  return { start: at + 2 + size, length }
}
