import { AppError } from '../../../base/errors.ts'

/** A part of a form. Its body has to be read to the end before the next part is asked for. */
export interface FormPart {
  readonly name: string
  readonly body: AsyncIterable<Buffer>
}

const MAX_HEADER_BYTES = 8192
const LINE_END = Buffer.from('\r\n')
const HEADERS_END = Buffer.from('\r\n\r\n')

/**
 * The parts of `multipart/form-data` as they arrive, in constant memory.
 * @see https://www.rfc-editor.org/rfc/rfc7578
 * @throws AppError `form_malformed` (400)
 */
export async function* formParts(
  source: AsyncIterable<Buffer>,
  contentType: string | undefined,
): AsyncGenerator<FormPart> {
  const boundary = boundaryOf(contentType)
  const reader = new FormReader(source, Buffer.from(`\r\n--${boundary}`))
  while (await reader.nextPart()) yield { name: await reader.partName(), body: reader.partBody() }
}

class FormReader {
  readonly #source: AsyncIterator<Buffer>
  readonly #delimiter: Buffer
  /** Starts as if a line had just ended: the first delimiter stands at the very beginning. */
  #held: Buffer = LINE_END
  /** Before the first delimiter, or in a part. */
  #isInside = true

  constructor(source: AsyncIterable<Buffer>, delimiter: Buffer) {
    this.#source = source[Symbol.asyncIterator]()
    this.#delimiter = delimiter
  }

  /** Goes past what is left of this part. @returns whether another one follows */
  async nextPart(): Promise<boolean> {
    if (this.#isInside) for await (const _ of this.#untilDelimiter());
    await this.#hold(2)
    const mark = this.#held.subarray(0, 2).toString('latin1')
    this.#held = this.#held.subarray(2)
    if (mark === '--') return false
    if (mark !== '\r\n') throw malformed()
    this.#isInside = true
    return true
  }

  async partName(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(HEADERS_END)
      if (end >= 0) {
        const headers = this.#held.subarray(0, end).toString('utf8')
        // The line end stays: in an empty part it begins the delimiter.
        this.#held = this.#held.subarray(end + LINE_END.length)
        const name = /^content-disposition:.*?\bname="([^"]{1,100})"/im.exec(headers)?.[1]
        if (name === undefined) throw malformed()
        return name
      }
      if (this.#held.length > MAX_HEADER_BYTES) throw malformed()
      await this.#more()
    }
  }

  async *partBody(): AsyncGenerator<Buffer> {
    await this.#hold(this.#delimiter.length)
    if (this.#held.indexOf(this.#delimiter) !== 0) this.#held = this.#held.subarray(LINE_END.length)
    yield* this.#untilDelimiter()
  }

  /** What stands before the next delimiter. */
  async *#untilDelimiter(): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter)
      if (at >= 0) {
        const rest = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + this.#delimiter.length)
        this.#isInside = false
        if (rest.length > 0) yield rest
        return
      }
      // The delimiter may have begun at the end of what is held.
      const safe = this.#held.length - this.#delimiter.length
      if (safe > 0) {
        const piece = this.#held.subarray(0, safe)
        this.#held = this.#held.subarray(safe)
        yield piece
      }
      await this.#more()
    }
  }

  async #hold(bytes: number): Promise<void> {
    while (this.#held.length < bytes) await this.#more()
  }

  async #more(): Promise<void> {
    const step = await this.#source.next()
    if (step.done) throw malformed()
    this.#held = this.#held.length === 0 ? step.value : Buffer.concat([this.#held, step.value])
  }
}

function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/form-data;.*?\bboundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(
    contentType ?? '',
  )
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw malformed()
  return boundary
}

const malformed = (): AppError =>
  new AppError({
    code: 'form_malformed',
    message: 'The request body is not a form, or ends too early',
    hint: 'Send multipart/form-data with the parts file, signature and timestamp',
    status: 400,
  })
