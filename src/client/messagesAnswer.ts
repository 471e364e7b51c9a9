import { generatedInBlock, stringBytes } from '../protocol/generated.ts'
import { brokerError } from './brokerError.ts'
import { ChatAnswer, DONE, isCount, parseBody, type Usage } from './chatAnswer.ts'

interface Event {
  readonly type?: unknown
  readonly error?: unknown
  readonly content?: unknown
  readonly content_block?: unknown
  readonly delta?: { readonly text?: unknown; readonly stop_reason?: unknown } | null
  readonly message?: { readonly usage?: unknown } | null
  readonly usage?: unknown
  readonly stop_reason?: unknown
}

/** What ends a stream. */
const STOP = { type: 'message_stop' }

/**
 * What an answer of Anthropic's Messages API says, whole or event by event.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/streaming
 */
export class MessagesAnswer extends ChatAnswer {
  /** A sealed stream ends as every one does that is sealed; its caller gets the event that he waits for. */
  override eventOf(json: string): string {
    const event = json === DONE ? JSON.stringify(STOP) : json
    return `event: ${(JSON.parse(event) as Event).type}\ndata: ${event}\n\n`
  }

  override read(json: string): string {
    if (json === DONE) {
      this.done = true
      return ''
    }
    const event = parseBody(json, '/v1/messages') as Event
    if (event.type === 'error' || event.error) throw brokerError(502, json)
    if (event.type === 'message') return this.#readWhole(event)
    if (event.type === STOP.type) this.done = true
    if (event.type === 'message_start') this.#count(event.message?.usage)
    if (event.type === 'message_delta') this.#readEnd(event)
    if (event.type === 'content_block_start') this.#add(event.content_block)
    return event.type === 'content_block_delta' ? this.#add(event.delta) : ''
  }

  #readWhole({ content, usage, stop_reason }: Event): string {
    this.#count(usage)
    this.finishReason = typeof stop_reason === 'string' ? stop_reason : null
    return (Array.isArray(content) ? content : []).map((block) => this.#add(block)).join('')
  }

  #readEnd({ delta, usage }: Event): void {
    if (typeof delta?.stop_reason === 'string') this.finishReason = delta.stop_reason
    this.#count(usage)
  }

  /** A block, or a piece of one: text, thoughts, calls of tools. @returns the text in it */
  #add(block: unknown): string {
    const generated = generatedInBlock(block)
    const bytes = stringBytes(generated)
    if (bytes > 0) this.pieces++
    this.deliveredBytes += bytes
    const text = typeof generated.text === 'string' ? generated.text : ''
    this.text += text
    return text
  }

  /** What the end of a stream says of tokens need not say again what its beginning said. */
  #count(usage: unknown): void {
    const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = (usage ??
      {}) as Readonly<Record<string, unknown>>
    const before: Usage = this.usage ?? { promptTokens: 0, completionTokens: 0 }
    const cached = [cache_read_input_tokens, cache_creation_input_tokens].filter(isCount)
    this.usage = {
      promptTokens: isCount(input_tokens)
        ? cached.reduce((sum, count) => sum + count, input_tokens)
        : before.promptTokens,
      completionTokens: isCount(output_tokens) ? output_tokens : before.completionTokens,
    }
  }
}
