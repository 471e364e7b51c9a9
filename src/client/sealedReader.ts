import { type AppError, toAppError } from '../base/errors.ts'
import { hexToBytes } from '../base/hex.ts'
import { type Envelope, envelopeHash } from '../protocol/e2ee/envelope.ts'
import { sealedMalformed } from '../protocol/e2ee/errors.ts'
import type { Json } from '../protocol/e2ee/fields.ts'
import type { ResponseOpener } from '../protocol/e2ee/response.ts'
import { type Documents, documentsOf, type Piece, type Reader } from './answerReader.ts'
import type { ChatAnswer } from './chatAnswer.ts'
import type { Hasher } from './runtime.ts'

/** An answer that was sealed to this client: opened frame by frame, and passed on as if it never had been sealed. */
export class SealedReader implements Reader {
  failure: AppError | null = null
  readonly #answer: ChatAnswer
  readonly #opener: ResponseOpener
  readonly #stream: boolean
  readonly #documents: Documents
  readonly #frames: Hasher
  #whole = ''

  /** @param frames hashes what stands for a stream */
  constructor(answer: ChatAnswer, opener: ResponseOpener, stream: boolean, frames: Hasher) {
    this.#answer = answer
    this.#opener = opener
    this.#stream = stream
    this.#documents = documentsOf(stream)
    this.#frames = frames
  }

  /** What stands for the answer in the text proof. To be asked once, after the end. */
  responseHash(): string {
    return this.#stream ? this.#frames.digest() : this.#whole
  }

  push(bytes: Uint8Array): Promise<Piece> {
    return this.#read(this.#documents.push(bytes))
  }

  async end(): Promise<Piece> {
    const piece = await this.#read(this.#documents.end())
    if (!this.#opener.isComplete) this.failure ??= sealedMalformed('its end is missing')
    return piece
  }

  async #read(documents: readonly string[]): Promise<Piece> {
    let text = ''
    let opened = ''
    try {
      for (const json of this.failure ? [] : documents) {
        const plain = json === '[DONE]' ? json : await this.#open(json)
        if (plain === null) continue
        text += this.#answer.read(plain)
        opened += this.#stream ? this.#answer.eventOf(plain) : plain
      }
    } catch (error) {
      this.failure = toAppError(error)
    }
    return { bytes: new TextEncoder().encode(opened), text }
  }

  /** Null for the frame that only says that nothing follows. */
  async #open(json: string): Promise<string | null> {
    const frame = parse(json)
    // Why an answer broke off is said in clear.
    if (frame.error !== undefined && frame._e2ee === undefined) return json
    const opened = await this.#opener.open(frame)
    this.#whole = envelopeHash(frame)
    this.#frames.update(hexToBytes(this.#whole))
    return this.#stream && this.#opener.isComplete && isEmpty(opened) ? null : JSON.stringify(opened)
  }
}

const isEmpty = ({ choices, usage }: Json): boolean =>
  Array.isArray(choices) && choices.length === 0 && usage === undefined

/** A refusal as the engine wrote it, where the enclave sealed that; else the text as it came. */
export async function openRefusal(text: string, opener: ResponseOpener): Promise<string> {
  try {
    const { _e2ee } = parse(text)
    const { refusal } = await opener.open({ _e2ee })
    return typeof refusal === 'string' ? refusal : text
  } catch {
    return text
  }
}

function parse(json: string): Envelope {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null) return value as Envelope
  } catch {
    // Said below.
  }
  throw sealedMalformed('a frame is no JSON object')
}
