import { invalidRequest } from '../purchase/invalidRequest.ts'
import {
  type ChatPart,
  namedEvent,
  parseRequest,
  type StreamWriter,
  said,
  type ToolCall,
  textOf,
} from './chatShape.ts'
import type { Dialect, PlainRequest } from './dialects.ts'
import { chatOfResponses } from './responsesRequest.ts'
import { withLeftOut } from './untranslated.ts'

/**
 * OpenAI's Responses API, as Codex speaks it, said as a chat.
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function responses({ method, body }: PlainRequest): Dialect {
  const request = parseRequest(body)
  if (request.input === undefined) throw invalidRequest('"input" is missing')
  const head = { id: newId('resp'), model: textOf(request.model), created: Math.floor(Date.now() / 1000) }
  const { chat, leftOut } = chatOfResponses(request)
  return {
    request: { method, path: '/v1/chat/completions', body: JSON.stringify(chat) },
    isOpenAi: false,
    reply: (reply) =>
      withLeftOut(
        said(reply, new ResponseWriter(head), (part) => toResponse(head, itemsOf(part), part)),
        leftOut,
      ),
    error: (reply) => reply,
  }
}

interface Head {
  readonly id: string
  readonly model: string
  readonly created: number
}

const newId = (prefix: string): string => `${prefix}_${crypto.randomUUID().replaceAll('-', '')}`

const messageItem = (id: string, text: string) => ({
  type: 'message',
  id,
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
})

const callItem = (id: string, call: Pick<ToolCall, 'id' | 'name' | 'arguments'>) => ({
  type: 'function_call',
  id,
  call_id: call.id,
  name: call.name,
  arguments: call.arguments,
  status: 'completed',
})

const itemsOf = ({ text, calls }: ChatPart): object[] => [
  ...(text ? [messageItem(newId('msg'), text)] : []),
  ...calls.map((call) => callItem(newId('fc'), call)),
]

const toResponse = (
  { id, model, created }: Head,
  output: readonly object[],
  { finish, usage }: Pick<ChatPart, 'finish' | 'usage'>,
  status = finish === 'length' ? 'incomplete' : 'completed',
) => ({
  id,
  object: 'response',
  created_at: created,
  status,
  error: null,
  incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
  model,
  output,
  parallel_tool_calls: true,
  tool_choice: 'auto',
  tools: [],
  usage: usage && {
    input_tokens: usage.input,
    output_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  },
})

/** What is being said: a text, or a call whose arguments come piece by piece. */
interface OpenItem {
  readonly key: 'text' | number
  readonly id: string
  text: string
  readonly call: ToolCall | null
}

/** Items of a response one after another, each said whole when it ends. */
class ResponseWriter implements StreamWriter {
  readonly #head: Head
  readonly #done: object[] = []
  #open: OpenItem | null = null
  #sequence = 0
  #finish: string | null = null
  #usage: ChatPart['usage'] = null

  constructor(head: Head) {
    this.#head = head
  }

  begin(): string {
    const response = toResponse(this.#head, [], { finish: null, usage: null }, 'in_progress')
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response })
  }

  part({ text, calls, finish, usage }: ChatPart): string {
    this.#finish = finish ?? this.#finish
    this.#usage = usage ?? this.#usage
    let events = ''
    if (text) events += this.#turnTo('text', null) + this.#add(text)
    for (const call of calls)
      events += this.#turnTo(call.index, call) + (call.arguments && this.#add(call.arguments))
    return events
  }

  end(): string {
    const closed = this.#close()
    const response = toResponse(this.#head, this.#done, { finish: this.#finish, usage: this.#usage })
    return closed + this.#event(`response.${response.status}`, { response })
  }

  #turnTo(key: OpenItem['key'], call: ToolCall | null): string {
    if (this.#open?.key === key) return ''
    const closed = this.#close()
    const item = { key, id: newId(call ? 'fc' : 'msg'), text: '', call }
    this.#open = item
    const added = call
      ? callItem(item.id, { ...call, arguments: '' })
      : { ...messageItem(item.id, ''), content: [] }
    const events =
      closed +
      this.#event('response.output_item.added', {
        ...this.#place(),
        item: { ...added, status: 'in_progress' },
      })
    return call
      ? events
      : events + this.#event('response.content_part.added', { ...this.#inItem(item), part: textPart('') })
  }

  #add(text: string): string {
    const item = this.#open!
    item.text += text
    if (item.call)
      return this.#event('response.function_call_arguments.delta', {
        ...this.#place(),
        item_id: item.id,
        delta: text,
      })
    return this.#event('response.output_text.delta', { ...this.#inItem(item), delta: text })
  }

  #close(): string {
    const item = this.#open
    if (!item) return ''
    const { id, text, call } = item
    const whole = call ? callItem(id, { ...call, arguments: text }) : messageItem(id, text)
    const said = call
      ? this.#event('response.function_call_arguments.done', {
          ...this.#place(),
          item_id: id,
          arguments: text,
        })
      : this.#event('response.output_text.done', { ...this.#inItem(item), text }) +
        this.#event('response.content_part.done', { ...this.#inItem(item), part: textPart(text) })
    const closed = said + this.#event('response.output_item.done', { ...this.#place(), item: whole })
    this.#open = null
    this.#done.push(whole)
    return closed
  }

  #place = () => ({ output_index: this.#done.length })
  #inItem = ({ id }: OpenItem) => ({ ...this.#place(), item_id: id, content_index: 0 })
  #event = (type: string, fields: object): string =>
    namedEvent(type, { sequence_number: this.#sequence++, ...fields })
}

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [] })
