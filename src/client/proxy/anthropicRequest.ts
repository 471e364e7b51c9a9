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

const SAME = {
  max_tokens: 'max_tokens',
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  stop_sequences: 'stop',
}
const SAID = [
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'stream',
  'output_config',
  'output_format',
]
/** About the account and its bill: no answer depends on them. */
const ASIDE = ['metadata', 'cache_control', 'service_tier', 'speed', 'betas', 'diagnostics', 'billing_policy']

/** What lies at Anthropic, runs there, or has to happen somewhere. */
const REFUSED = {
  container: () => true,
  thread: () => true,
  mcp_servers: (value: unknown) => !Array.isArray(value) || value.length > 0,
  inference_geo: (value: unknown) => value !== 'global',
}

/**
 * A request of Anthropic's Messages API as a chat.
 * @throws AppError `request_invalid` where a part of what is asked cannot be said in one
 * @see https://docs.anthropic.com/en/api/messages
 */
export function chatOfMessages(request: Json): Translated {
  assertNone(request, REFUSED)
  const { functions, leftOut } = functionsIn(request.tools, ({ type }) => type == null || type === 'custom')
  const chat = {
    ...renamed(request, SAME),
    model: modelOf(request),
    messages: [
      ...systemOf(request.system),
      ...partsIn(request.messages, 'messages').flatMap(({ part, path }) => toMessages(part, path)),
    ],
    ...toolsOf(functions, request),
    ...formatOf(request),
    stream: request.stream,
    ...(request.stream === true && { stream_options: { include_usage: true } }),
  }
  return { chat, leftOut: [...leftOut, ...unknownIn(request, [...Object.keys(SAME), ...SAID, ...ASIDE])] }
}

function systemOf(system: unknown): object[] {
  if (system == null || system === '') return []
  if (typeof system === 'string') return [{ role: 'system', content: system }]
  const texts = partsIn(system, 'system').map(({ part, path }) =>
    part.type === 'text' ? textOf(part.text) : refuse(path, `"${kindOf(part.type)}"`),
  )
  return texts.length === 0 ? [] : [{ role: 'system', content: texts.join('\n') }]
}

/** Results of tools are messages of their own in a chat, and come before what the user says with them. */
function toMessages({ role, content }: Json, where: string): object[] {
  if (typeof content === 'string') return [{ role, content }]
  const results: object[] = []
  const calls: object[] = []
  const parts: Json[] = []
  for (const { part, path } of partsIn(content, `${where}.content`)) {
    if (part.type === 'tool_result') {
      const { text, pictures } = resultOf(resultParts(part.content, path))
      const said = part.is_error === true ? `Error: ${text}` : text
      results.push({ role: 'tool', tool_call_id: part.tool_use_id, content: said })
      parts.push(...pictures)
    } else if (part.type === 'tool_use') calls.push(toCall(part))
    else parts.push(...toParts(part, path))
  }
  if (parts.length === 0 && calls.length === 0) return results
  return [...results, { role, content: contentOf(parts), ...(calls.length > 0 && { tool_calls: calls }) }]
}

const toCall = ({ id, name, input }: Json): object => ({
  id,
  type: 'function',
  function: { name, arguments: JSON.stringify(input ?? {}) },
})

function resultParts(content: unknown, path: string): Json[] {
  if (content == null) return []
  if (typeof content === 'string') return [textPart(content)]
  return partsIn(content, `${path}.content`).flatMap((one) => toParts(one.part, one.path))
}

const textPart = (text: string): Json => ({ type: 'text', text })

function toParts(block: Json, path: string): Json[] {
  switch (block.type) {
    case 'text':
      return [textPart(textOf(block.text))]
    case 'image':
      return [{ type: 'image_url', image_url: { url: imageOf(block, path) } }]
    case 'document':
      return documentParts(block, path)
    case 'search_result': {
      const texts = partsIn(block.content, `${path}.content`).map(({ part }) => textOf(part.text))
      return [textPart([textOf(block.title), textOf(block.source), ...texts].join('\n'))]
    }
    // What another answer thought is for the model that thought it.
    case 'thinking':
    case 'redacted_thinking':
      return []
    default:
      return refuse(path, `"${kindOf(block.type)}"`)
  }
}

function imageOf({ source }: Json, path: string): string {
  const { type, url, media_type, data } = isRecord(source) ? source : {}
  if (type === 'url') return textOf(url)
  if (type !== 'base64') refuse(path, `an "image" of source "${kindOf(type)}"`)
  return `data:${textOf(media_type)};base64,${textOf(data)}`
}

/** A text with its title; a file would have to be read first. */
function documentParts({ source, title, context, citations }: Json, path: string): Json[] {
  if (isRecord(citations) && citations.enabled === true) refuse(path, '"citations"')
  const { type, data, content } = isRecord(source) ? source : {}
  const head = [title, context].filter((text) => typeof text === 'string').map(textPart)
  if (type === 'text') return [...head, textPart(textOf(data))]
  if (type === 'content') return [...head, ...resultParts(content, `${path}.source`)]
  return refuse(path, `a "document" of source "${kindOf(type)}"`)
}

const toTool = ({ name, description, input_schema, strict }: Json): object => ({
  type: 'function',
  function: { name, description, parameters: input_schema, ...(strict != null && { strict }) },
})

const CHOICES: Readonly<Record<string, string>> = { auto: 'auto', any: 'required', none: 'none' }

function toolsOf(functions: readonly Json[], { tool_choice }: Json): object {
  const choice = isRecord(tool_choice) ? choiceOf(tool_choice, functions) : undefined
  if (functions.length === 0) return {}
  return {
    tools: functions.map(toTool),
    ...(choice !== undefined && { tool_choice: choice }),
    ...(isRecord(tool_choice) &&
      tool_choice.disable_parallel_tool_use === true && { parallel_tool_calls: false }),
  }
}

function choiceOf({ type, name }: Json, functions: readonly Json[]): unknown {
  if (type === 'tool' && functions.some((tool) => tool.name === name))
    return { type: 'function', function: { name } }
  const said = CHOICES[textOf(type)]
  if (said === undefined || (said === 'required' && functions.length === 0))
    refuse('tool_choice', `"${kindOf(type)}"`)
  return said
}

function formatOf({ output_config, output_format }: Json): object {
  const format = (isRecord(output_config) ? output_config.format : null) ?? output_format
  if (!isRecord(format)) return {}
  const { type, schema } = format
  if (type !== 'json_schema') refuse('output_config.format', `"${kindOf(type)}"`)
  return { response_format: { type, json_schema: { name: 'answer', schema, strict: true } } }
}
