import type { GatewayReply } from '../gateway/gateway.ts'
import { chatOfMessages } from './anthropicRequest.ts'
import {
  type ChatPart,
  type Json,
  namedEvent,
  parseRequest,
  type StreamWriter,
  said,
  textOf,
} from './chatShape.ts'
import type { Dialect, PlainRequest } from './dialects.ts'
import { withLeftOut } from './untranslated.ts'

/**
 * Anthropic's Messages API, as Claude Code speaks it, said as a chat.
 * @see https://docs.anthropic.com/en/api/messages
 */
export function anthropic({ method, body }: PlainRequest): Dialect {
  const request = parseRequest(body)
  const id = `msg_${crypto.randomUUID().replaceAll('-', '')}`
  const model = textOf(request.model)
  const { chat, leftOut } = chatOfMessages(request)
  return {
    request: { method, path: '/v1/chat/completions', body: JSON.stringify(chat) },
    isOpenAi: false,
    reply: (reply) =>
      withLeftOut(
        said(reply, new MessageWriter(id, model), (part) => toMessage(id, model, part)),
        leftOut,
      ),
    error: toError,
  }
}

const STOPS: Readonly<Record<string, string>> = { length: 'max_tokens', tool_calls: 'tool_use' }
const stopOf = (finish: string | null): string => STOPS[finish ?? ''] ?? 'end_turn'

const usageOf = ({ usage }: Pick<ChatPart, 'usage'>) => ({
  input_tokens: usage?.input ?? 0,
  output_tokens: usage?.output ?? 0,
})

const toMessage = (id: string, model: string, part: ChatPart): object => ({
  id,
  type: 'message',
  role: 'assistant',
  model,
  content: [
    ...(part.text ? [{ type: 'text', text: part.text }] : []),
    ...part.calls.map((call) => ({
      type: 'tool_use',
      id: call.id,
      name: call.name,
      input: inputOf(call.arguments),
    })),
  ],
  stop_reason: stopOf(part.finish),
  stop_sequence: null,
  usage: usageOf(part),
})

function inputOf(text: string): unknown {
  try {
    return JSON.parse(text || '{}')
  } catch {
    return {}
  }
}

/** Blocks of a message one after another: text, then each call of a tool. */
class MessageWriter implements StreamWriter {
  readonly #id: string
  readonly #model: string
  /** What the open block holds: `text`, or the number of a call. */
  #open: 'text' | number | null = null
  #index = -1
  #finish: string | null = null
  #usage: ChatPart['usage'] = null

  constructor(id: string, model: string) {
    this.#id = id
    this.#model = model
  }

  begin(): string {
    const message = { ...toMessage(this.#id, this.#model, NOTHING), stop_reason: null }
    return namedEvent('message_start', { message })
  }

  part({ text, calls, finish, usage }: ChatPart): string {
    this.#finish = finish ?? this.#finish
    this.#usage = usage ?? this.#usage
    let events = ''
    if (text)
      events += this.#turnTo('text', { type: 'text', text: '' }) + this.#delta({ type: 'text_delta', text })
    for (const call of calls) {
      events += this.#turnTo(call.index, { type: 'tool_use', id: call.id, name: call.name, input: {} })
      if (call.arguments) events += this.#delta({ type: 'input_json_delta', partial_json: call.arguments })
    }
    return events
  }

  end(): string {
    const delta = { stop_reason: stopOf(this.#finish), stop_sequence: null }
    const usage = usageOf({ usage: this.#usage })
    return this.#close() + namedEvent('message_delta', { delta, usage }) + namedEvent('message_stop', {})
  }

  #turnTo(block: 'text' | number, content_block: object): string {
    if (this.#open === block) return ''
    const closed = this.#close()
    this.#open = block
    this.#index++
    return closed + namedEvent('content_block_start', { index: this.#index, content_block })
  }

  #delta(delta: object): string {
    return namedEvent('content_block_delta', { index: this.#index, delta })
  }

  #close(): string {
    if (this.#open === null) return ''
    this.#open = null
    return namedEvent('content_block_stop', { index: this.#index })
  }
}

const NOTHING: ChatPart = { text: '', calls: [], finish: null, usage: null }

/** A failure as that API says it. */
export function toError(reply: GatewayReply): GatewayReply {
  const { error } = JSON.parse(reply.body as string) as { error: Json }
  return { ...reply, body: JSON.stringify({ type: 'error', error: { ...error, type: error.type } }) }
}
