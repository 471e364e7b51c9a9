import { isRecord, type Json, modelOf, renamed, textOf } from './chatShape.ts'
import {
  assertNone,
  contentOf,
  functionsIn,
  kindOf,
  partsIn,
  refuse,
  resultOf,
  type Translated,
  unknownIn,
} from './untranslated.ts'

const SAME = { max_output_tokens: 'max_tokens', temperature: 'temperature', top_p: 'top_p' }
const SAID = [
  'model',
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'stream',
]
/** About the account, its caches and its bill: no answer depends on them. */
const ASIDE = [
  ...['metadata', 'client_metadata', 'user', 'safety_identifier', 'service_tier', 'store', 'include'],
  ...['prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention', 'stream_options', 'truncation'],
  ...['max_tool_calls', 'background', 'top_logprobs'],
]

/** What lies at OpenAI, and what an answer of a chat does not carry. */
const REFUSED = {
  previous_response_id: () => true,
  conversation: () => true,
  prompt: () => true,
  background: (value: unknown) => value !== false,
  top_logprobs: (value: unknown) => value !== 0,
  include: (value: unknown) => Array.isArray(value) && value.includes('message.output_text.logprobs'),
}

/**
 * A request of OpenAI's Responses API as a chat.
 * @throws AppError `request_invalid` where a part of what is asked cannot be said in one
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function chatOfResponses(request: Json): Translated {
  assertNone(request, REFUSED)
  const { functions, leftOut } = functionsIn(request.tools, ({ type }) => type === 'function')
  const chat = {
    ...renamed(request, SAME),
    model: modelOf(request),
    messages: [
      ...(request.instructions ? [{ role: 'system', content: request.instructions }] : []),
      ...(typeof request.input === 'string'
        ? [{ role: 'user', content: request.input }]
        : partsIn(request.input, 'input').flatMap(({ part, path }) => toMessages(part, path))),
    ],
    ...toolsOf(functions, request),
    ...formatOf(request.text),
    stream: request.stream,
    ...(request.stream === true && { stream_options: { include_usage: true } }),
  }
  return { chat, leftOut: [...leftOut, ...unknownIn(request, [...Object.keys(SAME), ...SAID, ...ASIDE])] }
}

function toMessages(item: Json, path: string): object[] {
  const { type, role, call_id, name, content, output } = item
  switch (type ?? 'message') {
    case 'message': {
      const said = typeof content === 'string' ? content : contentOf(toParts(content, `${path}.content`))
      return [{ role: role === 'developer' ? 'system' : role, content: said }]
    }
    case 'function_call': {
      const call = { id: call_id, type: 'function', function: { name, arguments: item.arguments } }
      return [{ role: 'assistant', content: '', tool_calls: [call] }]
    }
    case 'function_call_output': {
      if (typeof output === 'string') return [{ role: 'tool', tool_call_id: call_id, content: output }]
      const { text, pictures } = resultOf(toParts(output, `${path}.output`))
      const result = { role: 'tool', tool_call_id: call_id, content: text }
      return pictures.length === 0 ? [result] : [result, { role: 'user', content: pictures }]
    }
    // What another answer thought is for the model that thought it.
    case 'reasoning':
      return []
    default:
      return refuse(path, `"${kindOf(type)}"`)
  }
}

const toParts = (content: unknown, path: string): Json[] =>
  partsIn(content, path).map((one) => toPart(one.part, one.path))

function toPart({ type, text, refusal, image_url, detail }: Json, path: string): Json {
  if (type === 'input_text' || type === 'output_text' || type === 'text')
    return { type: 'text', text: textOf(text) }
  if (type === 'refusal') return { type: 'text', text: textOf(refusal) }
  if (type === 'input_image' && typeof image_url === 'string')
    return { type: 'image_url', image_url: { url: image_url, ...(detail != null && { detail }) } }
  return refuse(path, type === 'input_image' ? 'an "input_image" without "image_url"' : `"${kindOf(type)}"`)
}

function toolsOf(functions: readonly Json[], { tool_choice, parallel_tool_calls }: Json): object {
  const choice = choiceOf(tool_choice, functions)
  if (functions.length === 0) return {}
  const tools = functions.map(({ name, description, parameters, strict }) => ({
    type: 'function',
    function: { name, description, parameters, ...(strict != null && { strict }) },
  }))
  return {
    tools,
    ...(choice !== undefined && { tool_choice: choice }),
    ...(parallel_tool_calls === false && { parallel_tool_calls }),
  }
}

function choiceOf(choice: unknown, functions: readonly Json[]): unknown {
  if (choice == null || choice === 'auto' || choice === 'none') return choice ?? undefined
  if (choice === 'required' && functions.length > 0) return choice
  const { type, name } = isRecord(choice) ? choice : {}
  if (type === 'function' && functions.some((tool) => tool.name === name)) return { type, function: { name } }
  return refuse('tool_choice', `"${kindOf(type ?? choice)}"`)
}

function formatOf(text: unknown): object {
  const format = isRecord(text) && isRecord(text.format) ? text.format : null
  if (!format || format.type === 'text') return {}
  const { type, ...schema } = format
  if (type === 'json_schema') return { response_format: { type, json_schema: schema } }
  if (type === 'json_object') return { response_format: { type } }
  return refuse('text.format', `"${kindOf(type)}"`)
}
