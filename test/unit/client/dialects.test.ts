import { describe, expect, it } from 'vitest'
import type { Answer } from '../../../src/client/answer.ts'
import type { GatewayReply } from '../../../src/client/gateway/gateway.ts'
import { translate } from '../../../src/client/proxy/dialects.ts'

const HEAD = { status: 200, headers: {} }
const ANSWER = {} as Answer

const dialectOf = (path: string, body: object) =>
  translate({ method: 'POST', path, body: JSON.stringify(body) })
const chatOf = (path: string, body: object) => JSON.parse(dialectOf(path, body).request.body as string)

/** Chunks of a chat that says something and then calls two tools, cut where streams are cut. */
const CHUNKS = [
  { delta: { role: 'assistant', content: '' } },
  { delta: { content: 'Look: ' } },
  { delta: { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '' } }] } },
  { delta: { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] } },
  { delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } },
  { delta: { tool_calls: [{ index: 1, id: 'call_2', function: { name: 'g', arguments: '{}' } }] } },
  { delta: {}, finish_reason: 'tool_calls' },
].map((choice) => ({ choices: [{ index: 0, ...choice }] }))
const USAGE = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 9 } }

const text = `${[...CHUNKS, USAGE].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`

/** A reply whose stream is cut into pieces of so many bytes. */
function streamed(size: number): GatewayReply {
  const bytes = new TextEncoder().encode(text)
  async function* pieces(): AsyncGenerator<Uint8Array, Answer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    return ANSWER
  }
  return { ...HEAD, body: pieces() }
}

async function eventsOf({ body }: GatewayReply): Promise<{ type: string; [name: string]: unknown }[]> {
  const decoder = new TextDecoder()
  let received = ''
  const pieces = body as AsyncGenerator<Uint8Array, Answer>
  for (let step = await pieces.next(); ; step = await pieces.next()) {
    if (step.done) {
      expect(step.value).toBe(ANSWER)
      break
    }
    received += decoder.decode(step.value, { stream: true })
  }
  return [...received.matchAll(/^event: (\S+)\ndata: (.*)$/gm)].map(([, type, data]) => {
    const event = JSON.parse(data!)
    expect(event.type).toBe(type)
    return event
  })
}

const WHOLE = JSON.stringify({
  choices: [
    {
      message: {
        content: 'Look: ',
        tool_calls: [{ id: 'call_1', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      finish_reason: 'tool_calls',
    },
  ],
  usage: { prompt_tokens: 7, completion_tokens: 9 },
})

describe("Anthropic's Messages", () => {
  it('become a chat: system, images, tools, calls and their results', () => {
    const chat = chatOf('/v1/messages', {
      model: 'claude-sonnet',
      max_tokens: 10,
      system: [
        { type: 'text', text: 'one' },
        { type: 'text', text: 'two' },
      ],
      stop_sequences: ['X'],
      stream: true,
      tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
      tool_choice: { type: 'any' },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'ok' },
            { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } },
          ],
        },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '42' }] }],
        },
      ],
    })
    expect(chat).toEqual({
      model: 'auto',
      max_tokens: 10,
      stop: ['X'],
      stream: true,
      stream_options: { include_usage: true },
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } },
      ],
      tool_choice: 'required',
      messages: [
        { role: 'system', content: 'one\ntwo' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
        {
          role: 'assistant',
          content: 'ok',
          tool_calls: [{ id: 't1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 't1', content: '42' },
      ],
    })
  })

  it('leave the name of a model that is not of another vendor', () => {
    expect(chatOf('/v1/messages', { model: 'qwen', messages: [] }).model).toBe('qwen')
  })

  it('say calls of tools in a whole answer', () => {
    const { reply } = dialectOf('/v1/messages', { model: 'm', messages: [] })
    expect(JSON.parse(reply({ ...HEAD, body: WHOLE }).body as string)).toMatchObject({
      content: [
        { type: 'text', text: 'Look: ' },
        { type: 'tool_use', id: 'call_1', name: 'f', input: { a: 1 } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 7, output_tokens: 9 },
    })
  })

  it.each([1, 17, 100_000])('say them in a stream of pieces of %s bytes', async (size) => {
    const { reply } = dialectOf('/v1/messages', { model: 'm', messages: [], stream: true })
    const events = await eventsOf(reply(streamed(size)))
    const blocks = events
      .filter(({ type }) => type === 'content_block_start')
      .map(({ index, content_block }) => [index, content_block])
    expect(blocks).toEqual([
      [0, { type: 'text', text: '' }],
      [1, { type: 'tool_use', id: 'call_1', name: 'f', input: {} }],
      [2, { type: 'tool_use', id: 'call_2', name: 'g', input: {} }],
    ])
    const json = events
      .filter(({ type, index }) => type === 'content_block_delta' && index === 1)
      .map(({ delta }) => (delta as { partial_json: string }).partial_json)
    expect(json.join('')).toBe('{"a":1}')
    expect(events.filter(({ type }) => type === 'content_block_stop')).toHaveLength(3)
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } })
    expect(events.at(-1)!.type).toBe('message_stop')
  })
})

describe('what a chat has no words for', () => {
  const asked = (content: unknown, more: object = {}) => ({
    model: 'm',
    max_tokens: 9,
    messages: [{ role: 'user', content }],
    ...more,
  })
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
  const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } }
  const summarise = { type: 'text', text: 'Summarise this' }
  const tool = { name: 'f', input_schema: {} }

  it.each<[string, object]>([
    ['messages[0].content[0]: a "document" of source "base64"', asked([pdf, summarise])],
    ['messages[0].content[0]: a "document" of source "url"', asked([{ ...pdf, source: { type: 'url' } }])],
    ['messages[0].content[0]: an "image" of source "file"', asked([{ ...image, source: { type: 'file' } }])],
    [
      'messages[0].content[0].content[0]: a "document" of source "base64"',
      asked([{ type: 'tool_result', tool_use_id: 't', content: [pdf] }]),
    ],
    ['messages[0].content[1]: "container_upload"', asked([summarise, { type: 'container_upload' }])],
    ['messages[0].content[0]: "server_tool_use"', asked([{ type: 'server_tool_use', name: 'web_search' }])],
    ['system[0]: "image"', asked('x', { system: [image] })],
    ['tools: "web_search_20250305"', asked('x', { tools: [{ type: 'web_search_20250305' }] })],
    ['tool_choice: "any"', asked('x', { tool_choice: { type: 'any' } })],
    ['tool_choice: "tool"', asked('x', { tools: [tool], tool_choice: { type: 'tool', name: 'g' } })],
    ['container: "container"', asked('x', { container: { skills: [] } })],
    ['mcp_servers: "mcp_servers"', asked('x', { mcp_servers: [{ type: 'url', url: 'https://a.example' }] })],
    ['thread: "thread"', asked('x', { thread: { type: 'continue', previous_message_id: 'msg_1' } })],
    ['inference_geo: "inference_geo"', asked('x', { inference_geo: 'us' })],
    [
      'messages[0].content[0]: "citations"',
      asked([{ type: 'document', source: { type: 'text', data: 'x' }, citations: { enabled: true } }]),
    ],
  ])("of Anthropic's Messages is refused: %s", (named, body) => {
    const message = `${named} cannot be translated into a chat`
    expect(() => chatOf('/v1/messages', body)).toThrow(
      expect.objectContaining({ code: 'request_invalid', status: 400, message }),
    )
  })

  const item = (part: object) => ({ input: [{ role: 'user', content: [part] }] })

  it.each<[string, object]>([
    ['input[0].content[0]: "input_file"', item({ type: 'input_file', file_data: 'AAAA' })],
    [
      'input[0].content[0]: an "input_image" without "image_url"',
      item({ type: 'input_image', file_id: 'f' }),
    ],
    ['input[0]: "item_reference"', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['input[0]: "computer_call_output"', { input: [{ type: 'computer_call_output', output: {} }] }],
    ['previous_response_id: "previous_response_id"', { input: 'x', previous_response_id: 'resp_1' }],
    ['conversation: "conversation"', { input: 'x', conversation: 'conv_1' }],
    ['prompt: "prompt"', { input: 'x', prompt: { id: 'pmpt_1' } }],
    ['background: "background"', { input: 'x', background: true }],
    ['top_logprobs: "top_logprobs"', { input: 'x', top_logprobs: 3 }],
    ['include: "include"', { input: 'x', include: ['message.output_text.logprobs'] }],
    ['tools: "file_search"', { input: 'x', tools: [{ type: 'file_search' }] }],
    ['tool_choice: "web_search"', { input: 'x', tool_choice: { type: 'web_search' } }],
    ['tool_choice: "required"', { input: 'x', tool_choice: 'required' }],
    ['text.format: "grammar"', { input: 'x', text: { format: { type: 'grammar' } } }],
  ])("of OpenAI's Responses is refused: %s", (named, body) => {
    const message = `${named} cannot be translated into a chat`
    expect(() => chatOf('/v1/responses', { model: 'm', ...body })).toThrow(
      expect.objectContaining({ code: 'request_invalid', status: 400, message }),
    )
  })

  it('is refused too where it has no shape at all', () => {
    for (const body of [asked(null), asked(['x']), { model: 'm' }])
      expect(() => chatOf('/v1/messages', body)).toThrow(expect.objectContaining({ code: 'request_invalid' }))
    for (const input of [7, ['x'], [{ role: 'user' }]])
      expect(() => chatOf('/v1/responses', { model: 'm', input })).toThrow(
        expect.objectContaining({ code: 'request_invalid' }),
      )
  })

  it('is left out, and said, where an agent sends it whether it is needed or not', () => {
    const headerOf = (path: string, body: object) =>
      dialectOf(path, body).reply({ ...HEAD, body: WHOLE }).headers['x-0g-left-out']
    const codex = {
      model: 'm',
      input: 'x',
      tools: [
        { type: 'function', name: 'f', parameters: {} },
        { type: 'custom', name: 'apply_patch' },
        { type: 'web_search' },
      ],
      reasoning: { effort: 'high' },
      include: ['reasoning.encrypted_content'],
      ...{ store: false, prompt_cache_key: 'k', client_metadata: {}, parallel_tool_calls: false },
    }
    expect(chatOf('/v1/responses', codex)).toMatchObject({
      tools: [{ type: 'function' }],
      parallel_tool_calls: false,
    })
    expect(headerOf('/v1/responses', codex)).toBe('tools.custom, tools.web_search, reasoning')
    const claude = asked('x', {
      tools: [tool, { type: 'web_search_20250305', name: 'web_search' }],
      thinking: { type: 'adaptive' },
      metadata: { user_id: 'u' },
    })
    expect(headerOf('/v1/messages', claude)).toBe('tools.web_search_20250305, thinking')
    expect(headerOf('/v1/messages', asked('x', { metadata: {}, 'é\n': 1 }))).toBe('unknown')
    expect(headerOf('/v1/messages', asked('x'))).toBeUndefined()
  })

  it('is not what can be said otherwise: texts as documents, pictures of tools, schemas, refusals', () => {
    const text = { type: 'document', title: 'T', context: 'C', source: { type: 'text', data: 'body' } }
    const found = { type: 'search_result', title: 'R', source: 'https://a.example', content: [summarise] }
    expect(chatOf('/v1/messages', asked([text, found, summarise])).messages).toEqual([
      {
        role: 'user',
        content: 'T\nC\nbody\nR\nhttps://a.example\nSummarise this\nSummarise this',
      },
    ])
    const seen = { type: 'tool_result', tool_use_id: 't', is_error: true, content: [summarise, image] }
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
    expect(chatOf('/v1/messages', asked([seen, summarise])).messages).toEqual([
      { role: 'tool', tool_call_id: 't', content: 'Error: Summarise this\n[image: in the next message]' },
      { role: 'user', content: [picture, summarise] },
    ])
    const format = { type: 'json_schema', schema: { type: 'object' } }
    const named = { name: 'answer', schema: format.schema, strict: true }
    for (const more of [{ output_config: { format } }, { output_format: format }])
      expect(chatOf('/v1/messages', asked('x', more)).response_format).toEqual({
        type: 'json_schema',
        json_schema: named,
      })
    const output = [
      { type: 'input_text', text: 'seen' },
      { type: 'input_image', image_url: 'data:,' },
    ]
    const input = [
      { type: 'function_call_output', call_id: 'c', output },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
    ]
    expect(chatOf('/v1/responses', { model: 'm', input }).messages).toEqual([
      { role: 'tool', tool_call_id: 'c', content: 'seen\n[image: in the next message]' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] },
      { role: 'assistant', content: 'no' },
    ])
  })
})

describe("OpenAI's Responses", () => {
  it('become a chat: instructions, items, tools and a form', () => {
    const chat = chatOf('/v1/responses', {
      model: 'gpt-x',
      instructions: 'short',
      max_output_tokens: 9,
      input: [
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'rules' }] },
        { role: 'user', content: 'go' },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: '42' },
        { type: 'reasoning', summary: [] },
      ],
      tools: [{ type: 'function', name: 'f', parameters: {} }, { type: 'web_search' }],
      text: { format: { type: 'json_schema', name: 'n', schema: {} } },
    })
    expect(chat).toEqual({
      model: 'auto',
      max_tokens: 9,
      messages: [
        { role: 'system', content: 'short' },
        { role: 'system', content: 'rules' },
        { role: 'user', content: 'go' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: '42' },
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } },
    })
  })

  it('say calls of tools, whole and in a stream', async () => {
    const { reply } = dialectOf('/v1/responses', { model: 'm', input: 'x' })
    const whole = JSON.parse(reply({ ...HEAD, body: WHOLE }).body as string)
    expect(whole.output).toMatchObject([
      { type: 'message', content: [{ text: 'Look: ' }] },
      { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' },
    ])
    const events = await eventsOf(
      dialectOf('/v1/responses', { model: 'm', input: 'x', stream: true }).reply(streamed(17)),
    )
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i))
    const { response } = events.at(-1) as unknown as { response: { output: object[]; usage: object } }
    expect(response.output).toMatchObject([
      { type: 'message', content: [{ text: 'Look: ' }] },
      { type: 'function_call', call_id: 'call_1', arguments: '{"a":1}' },
      { type: 'function_call', call_id: 'call_2', arguments: '{}' },
    ])
    expect(response.usage).toEqual({ input_tokens: 7, output_tokens: 9, total_tokens: 16 })
  })
})

describe('everything else', () => {
  it('goes as it is', () => {
    const request = { method: 'POST', path: '/v1/chat/completions', body: '{"model":"gpt-x"}' }
    expect(translate(request)).toMatchObject({ request, isOpenAi: true })
  })
})
