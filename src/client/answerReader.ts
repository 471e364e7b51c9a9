import { type AppError, toAppError } from '../base/errors.ts'
import type { ChatAnswer } from './chatAnswer.ts'
import { EventSplitter } from './sse.ts'

/** Bytes of an answer as they were before they were sealed, and the text in them. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly text: string
}

/** Reads an answer as its bytes come. After a failure it goes on taking bytes: all of them are hashed. */
export interface Reader {
  /** Why it cannot be read, or null. */
  readonly failure: AppError | null
  push(bytes: Uint8Array): Piece | Promise<Piece>
  /** What a last piece without its end leaves. */
  end(): Piece | Promise<Piece>
}

/** Cuts bytes into JSON documents. */
export interface Documents {
  /** @returns JSON texts that this piece completes */
  push(bytes: Uint8Array): string[]
  end(): string[]
}

export const documentsOf = (stream: boolean): Documents => (stream ? new EventSplitter() : new WholeBody())

const NOTHING = new Uint8Array(0)

/** An answer in clear. */
export class AnswerReader implements Reader {
  failure: AppError | null = null
  readonly #answer: ChatAnswer
  readonly #documents: Documents

  constructor(answer: ChatAnswer, stream: boolean) {
    this.#answer = answer
    this.#documents = documentsOf(stream)
  }

  push(bytes: Uint8Array): Piece {
    return { bytes, text: this.#read(this.#documents.push(bytes)) }
  }

  end(): Piece {
    return { bytes: NOTHING, text: this.#read(this.#documents.end()) }
  }

  #read(documents: readonly string[]): string {
    let text = ''
    try {
      for (const json of this.failure ? [] : documents) text += this.#answer.read(json)
    } catch (error) {
      this.failure = toAppError(error)
    }
    return text
  }
}

/** A body that is one JSON document. */
class WholeBody implements Documents {
  readonly #decoder = new TextDecoder()
  #text = ''

  push(bytes: Uint8Array): string[] {
    this.#text += this.#decoder.decode(bytes, { stream: true })
    return []
  }

  end(): string[] {
    return [this.#text + this.#decoder.decode()]
  }
}
