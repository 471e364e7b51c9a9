/** A line of a file, without its line feed. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array
}

const LINE_FEED = 10
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** The lines of a stream of UTF-8, blank ones left out, without a byte order mark at the start. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 1
  let rest: Uint8Array[] = []
  for await (const bytes of source) {
    let from = 0
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
      const line = lineOf(number++, [...rest, bytes.subarray(from, at)])
      if (line) yield line
      rest = []
      from = at + 1
    }
    if (from < bytes.length) rest.push(bytes.slice(from))
  }
  const line = lineOf(number, rest)
  if (line) yield line
}

function lineOf(number: number, parts: readonly Uint8Array[]): Line | null {
  const joined = parts.length === 1 ? parts[0]! : join(parts)
  if (joined.every(isWhite)) return null
  const hasMark = number === 1 && BYTE_ORDER_MARK.every((byte, i) => joined[i] === byte)
  return { number, bytes: hasMark ? joined.subarray(3) : joined }
}

const isWhite = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
