/** One server-sent event as it came, blank line included, and its data. */
export interface Frame {
  readonly bytes: Buffer
  readonly data: string
}

const EMPTY = Buffer.alloc(0)

/** Largest event that is waited for, bytes. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024

/**
 * Cuts a byte stream into server-sent events without changing a byte. What is not yet complete stays inside.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class FrameSplitter {
  #rest: Buffer = EMPTY

  /** Complete frames, in order. @throws RangeError for an event without end */
  push(chunk: Buffer): Frame[] {
    let buffer = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk
    const frames: Frame[] = []
    for (let end = endOfFrame(buffer); end > 0; end = endOfFrame(buffer)) {
      frames.push(frameOf(buffer.subarray(0, end)))
      buffer = buffer.subarray(end)
    }
    if (buffer.length > MAX_FRAME_BYTES) throw new RangeError('an event without end')
    this.#rest = buffer
    return frames
  }

  /** Bytes after the last complete frame. */
  rest(): Buffer {
    return this.#rest
  }
}

function endOfFrame(buffer: Buffer): number {
  const lf = buffer.indexOf('\n\n')
  const crlf = buffer.indexOf('\r\n\r\n')
  if (crlf >= 0 && (lf < 0 || crlf < lf)) return crlf + 4
  return lf < 0 ? 0 : lf + 2
}

function frameOf(bytes: Buffer): Frame {
  const data: string[] = []
  for (const line of bytes.toString('utf8').split(/\r?\n/)) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
  }
  return { bytes, data: data.join('\n') }
}
