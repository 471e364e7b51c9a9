import { randomBytes } from 'node:crypto'

/** A file of a form, which comes in pieces. */
export interface MultipartFile {
  readonly name: string
  readonly bytes: number
  readonly content: AsyncIterable<Uint8Array>
}

/**
 * A form with one file, which comes first as deployed brokers expect it, and its length, so that it can be
 * streamed. @see https://www.rfc-editor.org/rfc/rfc7578
 */
export function multipart(file: MultipartFile, fields: Readonly<Record<string, string>>) {
  const boundary = `zg${randomBytes(16).toString('hex')}`
  const encoder = new TextEncoder()
  const head = encoder.encode(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  )
  const rest = Object.entries(fields).map(
    ([name, value]) => `\r\n--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}`,
  )
  const tail = encoder.encode(`${rest.join('')}\r\n--${boundary}--\r\n`)
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + file.bytes + tail.length),
    },
    stream: pieces(head, file.content, tail),
  }
}

async function* pieces(head: Uint8Array, content: AsyncIterable<Uint8Array>, tail: Uint8Array) {
  yield head
  yield* content
  yield tail
}
