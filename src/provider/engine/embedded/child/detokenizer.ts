import type { LlamaModel, Token } from 'node-llama-cpp'

const REPLACEMENT = '\uFFFD'
/** A character has at most four bytes, each of which may be a token; more than this is not a split character. */
const MOST_PENDING = 8
/** What llama.cpp's detokenizer looks at to decide about spaces. */
const CONTEXT_TOKENS = 3

/** Turns tokens into text as they come, and holds back a character until all of its bytes are there. */
export class Detokenizer {
  readonly #model: LlamaModel
  #pending: Token[] = []
  #before: Token[] = []

  constructor(model: LlamaModel) {
    this.#model = model
  }

  /** The text that became certain with this token; may be empty. */
  push(token: Token): string {
    this.#pending.push(token)
    const text = this.#decode()
    if (text.endsWith(REPLACEMENT) && this.#pending.length < MOST_PENDING) return ''
    this.#settle()
    return text
  }

  /** What was held back, when nothing follows. */
  flush(): string {
    const text = this.#decode()
    this.#settle()
    return text
  }

  #decode(): string {
    return this.#model.detokenize(this.#pending, false, this.#before)
  }

  #settle(): void {
    this.#before = [...this.#before, ...this.#pending].slice(-CONTEXT_TOKENS)
    this.#pending = []
  }
}
