import { generatedIn, imagesIn, stringBytes } from '../protocol/generated.ts'
import { brokerError, malformedAnswer } from './brokerError.ts'

/** Tokens as the provider's engine counts them. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

export const DONE = '[DONE]'

interface Choice {
  readonly finish_reason?: unknown
}

/** What an answer says, read piece by piece; every field is a stranger's word. */
export class ChatAnswer {
  text = ''
  finishReason: string | null = null
  usage: Usage | null = null
  /** From the body; the header `ZG-Res-Key` goes before it. */
  id: string | null = null
  /** UTF-8 bytes of everything generated that was delivered: text, reasoning, tool calls. */
  deliveredBytes = 0
  /** Pieces that carried something generated. */
  pieces = 0
  /** Images that were delivered. */
  images = 0
  /** The stream said that it is over. */
  done = false

  /**
   * Reads a whole body, or the data of one event.
   * @returns the text to show
   * @throws AppError the provider's error when that is what it sent, `provider_answer_malformed`
   */
  read(json: string): string {
    if (json === DONE) {
      this.done = true
      return ''
    }
    const body = parseBody(json) as Body
    if (body.error) throw brokerError(502, json)
    if (typeof body.id === 'string') this.id ??= body.id
    this.usage = asUsage(body.usage) ?? this.usage
    this.images += imagesIn(body.data)
    const choices: unknown[] = Array.isArray(body.choices) ? body.choices : []
    return choices.map((choice) => this.#readChoice(choice as Choice | null)).join('')
  }

  /** An event of a stream as it was before it was sealed. */
  eventOf(json: string): string {
    return `data: ${json}\n\n`
  }

  #readChoice(choice: Choice | null): string {
    if (typeof choice !== 'object' || choice === null) return ''
    if (typeof choice.finish_reason === 'string') this.finishReason = choice.finish_reason
    const generated = generatedIn(choice)
    const bytes = stringBytes(generated)
    if (bytes > 0) this.pieces++
    this.deliveredBytes += bytes
    const text = typeof generated.content === 'string' ? generated.content : ''
    this.text += text
    return text
  }
}

interface Body {
  readonly id?: unknown
  readonly error?: unknown
  readonly usage?: unknown
  readonly choices?: unknown
  readonly data?: unknown
}

/** A body or the data of an event. @throws AppError `provider_answer_malformed` */
export function parseBody(
  json: string,
  endpoint = '/v1/chat/completions',
): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // answered below, like JSON that is no object
  }
  throw malformedAnswer(endpoint)
}

function asUsage(value: unknown): Usage | null {
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens = 0 } = (value ?? {}) as {
    prompt_tokens?: unknown
    completion_tokens?: unknown
  }
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : null
}

export const isCount = (count: unknown): count is number =>
  Number.isSafeInteger(count) && (count as number) >= 0
