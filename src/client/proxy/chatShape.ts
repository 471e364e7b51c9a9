import type { Answer } from '../answer.ts'
import type { GatewayReply } from '../gateway/gateway.ts'
import { invalidRequest } from '../purchase/invalidRequest.ts'
import { EventSplitter } from '../sse.ts'

/** JSON whose fields have to be looked at one by one. */
export type Json = Readonly<Record<string, unknown>>

export interface ToolCall {
  readonly index: number
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** What one piece of a chat, or a whole one, says. */
export interface ChatPart {
  readonly text: string
  readonly calls: readonly ToolCall[]
  readonly finish: string | null
  readonly usage: { readonly input: number; readonly output: number } | null
}

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const listOf = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter(isRecord) : []

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** @throws AppError `request_invalid` */
export function parseRequest(body: string | Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body))
    if (isRecord(value)) return value
  } catch {
    // answered below, like JSON that is no object
  }
  throw invalidRequest('The request body is not a JSON object')
}

/** Fields of a request that are there, under their name in the chat API. */
export const renamed = (body: Json, names: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([from, to]) => (body[from] == null ? [] : [[to, body[from]]])),
  )

/** Clients that know one vendor's models only are given the proxy's own. */
export const modelOf = ({ model }: Json): unknown =>
  typeof model === 'string' && /^(claude|gpt-|o\d|codex)/.test(model) ? 'auto' : model

/** Reads a chat completion, whole or one chunk of it. */
export function readChat(json: string): ChatPart {
  const body = JSON.parse(json) as Json
  const choice = listOf(body.choices)[0]
  const part =
    choice && (isRecord(choice.delta) ? choice.delta : isRecord(choice.message) ? choice.message : {})
  const usage = isRecord(body.usage) ? body.usage : null
  return {
    text: textOf(part?.content),
    calls: listOf(part?.tool_calls).map(readCall),
    finish: typeof choice?.finish_reason === 'string' ? choice.finish_reason : null,
    usage: usage && { input: Number(usage.prompt_tokens ?? 0), output: Number(usage.completion_tokens ?? 0) },
  }
}

function readCall(call: Json, position: number): ToolCall {
  const fn = isRecord(call.function) ? call.function : {}
  const index = typeof call.index === 'number' ? call.index : position
  return { index, id: textOf(call.id), name: textOf(fn.name), arguments: textOf(fn.arguments) }
}

/** An event of a stream whose type is named in it and before it. */
export const namedEvent = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`

/** Says a chat's stream in another API: what begins it, each piece, and what ends it. */
export interface StreamWriter {
  begin(): string
  part(part: ChatPart): string
  end(): string
}

/** A reply of the chat API, said by a writer where it streams and by a function where it does not. */
export function said(
  reply: GatewayReply,
  writer: StreamWriter,
  whole: (part: ChatPart) => object,
): GatewayReply {
  const { body } = reply
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
    return { ...reply, body: JSON.stringify(whole(readChat(text))) }
  }
  return { ...reply, body: rewritten(body, writer) }
}

async function* rewritten(
  body: AsyncGenerator<Uint8Array, Answer>,
  writer: StreamWriter,
): AsyncGenerator<Uint8Array, Answer> {
  const encoder = new TextEncoder()
  const splitter = new EventSplitter()
  try {
    yield encoder.encode(writer.begin())
    for (;;) {
      const step = await body.next()
      if (step.done) return step.value
      const events = splitter.push(step.value)
      const text = events
        .map((data) => (data === '[DONE]' ? writer.end() : writer.part(readChat(data))))
        .join('')
      if (text) yield encoder.encode(text)
    }
  } finally {
    await body.return(undefined as never)
  }
}
