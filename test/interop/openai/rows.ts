import assert from 'node:assert/strict'
import OpenAI, { toFile } from 'openai'
import type { Rows } from '../support/suite.ts'
import { clientFor, type Scene } from './scene.ts'

const MESSAGES = [{ role: 'user' as const, content: 'Once upon a time' }]
const CHAT = { model: 'demo', messages: MESSAGES, max_tokens: 8 }
const WEATHER = {
  type: 'function' as const,
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}
/** A red dot. */
const IMAGE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

const answers: Rows<Scene> = {
  async chat({ demo }) {
    const answer = await clientFor(demo).chat.completions.create(CHAT)
    assert(answer.choices[0]!.message.content!.length > 0)
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!
    assert.equal(prompt_tokens + completion_tokens, total_tokens)
    return `${total_tokens} tokens, as the usage says`
  },
  async stream({ demo }) {
    const chunks = await collect(await clientFor(demo).chat.completions.create({ ...CHAT, stream: true }))
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
    assert(text.length > 0)
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1)
    return `${chunks.length} chunks of one id`
  },
  async streamUsage({ demo }) {
    const options = { ...CHAT, stream: true as const, stream_options: { include_usage: true } }
    const chunks = await collect(await clientFor(demo).chat.completions.create(options))
    assert(chunks.findLast(({ usage }) => usage)!.usage!.completion_tokens > 0)
    return 'a chunk without choices has the usage'
  },
  async streamHelper({ demo }) {
    const runner = clientFor(demo).chat.completions.stream(CHAT)
    const final = await runner.finalChatCompletion()
    assert(final.choices[0]!.message.content!.length > 0)
    return "the client's own helper puts the answer together"
  },
  async completions({ demo }) {
    const { choices } = await clientFor(demo).completions.create({
      model: 'demo',
      prompt: 'Once',
      max_tokens: 8,
    })
    assert(choices[0]!.text.length > 0)
    return 'the older endpoint'
  },
  async embeddings({ demo }) {
    const { data, usage } = await clientFor(demo).embeddings.create({ model: 'demo', input: ['one', 'two'] })
    assert.equal(data.length, 2)
    assert(data[0]!.embedding.length > 16 && usage.prompt_tokens > 0)
    return `two vectors of ${data[0]!.embedding.length}`
  },
  async toolCalls({ assistant }) {
    const { choices } = await clientFor(assistant).chat.completions.create({
      ...CHAT,
      model: 'assistant',
      tools: [WEATHER],
    })
    assertWeather(choices[0]!.message.tool_calls?.[0])
    assert.equal(choices[0]!.finish_reason, 'tool_calls')
    return 'get_weather({"city":"Paris"})'
  },
  async toolCallsStream({ assistant }) {
    const request = { ...CHAT, model: 'assistant', tools: [WEATHER] }
    const final = await clientFor(assistant).chat.completions.stream(request).finalChatCompletion()
    assertWeather(final.choices[0]!.message.tool_calls?.[0])
    return 'put together from the stream'
  },
  async structuredOutput({ demo }) {
    const schema = {
      type: 'object',
      properties: { mood: { type: 'string', enum: ['good', 'bad'] }, sure: { type: 'boolean' } },
      required: ['mood', 'sure'],
      additionalProperties: false,
    }
    const { choices } = await clientFor(demo).chat.completions.create({
      ...CHAT,
      max_tokens: 40,
      response_format: { type: 'json_schema', json_schema: { name: 'mood', strict: true, schema } },
    })
    const value = JSON.parse(choices[0]!.message.content!)
    assert(['good', 'bad'].includes(value.mood) && typeof value.sure === 'boolean')
    return 'fits its JSON schema'
  },
  async vision({ assistant }) {
    const content = [
      { type: 'text' as const, text: 'What is it?' },
      { type: 'image_url' as const, image_url: { url: IMAGE } },
    ]
    const said = await echo(assistant, { messages: [{ role: 'user', content }] })
    assert.deepEqual(said.images, [IMAGE.length])
    return 'the image reaches the engine whole'
  },
  async reasoning({ assistant }) {
    const { choices } = await clientFor(assistant).chat.completions.create({
      ...CHAT,
      model: 'assistant',
      reasoning_effort: 'low',
    })
    const message = choices[0]!.message as { content: string; reasoning_content?: string }
    assert.equal(message.reasoning_content, 'first, then')
    assert.equal(JSON.parse(message.content).reasoning_effort, 'low')
    return 'reasoning_effort arrives, reasoning_content comes back'
  },
  async maxCompletionTokens({ demo, assistant }) {
    const said = await echo(assistant, { max_tokens: undefined, max_completion_tokens: 5 })
    assert.equal(said.max_completion_tokens ?? said.max_tokens, 5)
    const { max_tokens: _, ...chat } = CHAT
    const { usage, choices } = await clientFor(demo).chat.completions.create({
      ...chat,
      max_completion_tokens: 3,
    })
    assert.deepEqual([usage!.completion_tokens, choices[0]!.finish_reason], [3, 'length'])
    return 'limits the answer to 3 tokens'
  },
  async models({ demo }) {
    const { data } = await clientFor(demo).models.list()
    assert(data.some(({ id, object }) => id === 'demo' && object === 'model'))
    return data.map(({ id }) => id).join(', ')
  },
}

const ends: Rows<Scene> = {
  async abort({ demo }) {
    const stream = await clientFor(demo).chat.completions.create({ ...CHAT, max_tokens: 500, stream: true })
    for await (const _ of stream) stream.controller.abort()
    assert.equal(stream.controller.signal.aborted, true)
    const next = await clientFor(demo).chat.completions.create(CHAT)
    assert.equal(next.choices.length, 1)
    return 'left after the first chunk; the next request is served'
  },
  async abortBefore({ demo }) {
    const controller = new AbortController()
    const call = clientFor(demo).chat.completions.create(CHAT, { signal: controller.signal })
    controller.abort()
    await assert.rejects(call, OpenAI.APIUserAbortError)
    return 'APIUserAbortError'
  },
  async authentication({ demo, keys }) {
    return refused(clientFor(demo, keys.wrong).chat.completions.create(CHAT), OpenAI.AuthenticationError, 401)
  },
  async badRequest({ demo }) {
    const call = clientFor(demo).chat.completions.create({ ...CHAT, max_tokens: -1 })
    return refused(call, OpenAI.BadRequestError, 400)
  },
  async notFound({ demo }) {
    const call = clientFor(demo).chat.completions.create({ ...CHAT, model: 'no-such-model' })
    return refused(call, OpenAI.NotFoundError, 404)
  },
  async unknownEndpoint({ demo }) {
    return refused(clientFor(demo).moderations.create({ input: 'x' }), OpenAI.NotFoundError, 404)
  },
  async serverError({ assistant }) {
    const call = clientFor(assistant).chat.completions.create({ ...CHAT, model: 'broken' })
    return refused(call, OpenAI.InternalServerError, 502)
  },
}

/** Rows for broker and proxy alike. */
export const COMMON: Rows<Scene> = { ...answers, ...ends }

/** What is between a broker and one of its users; the proxy is its user's own. */
export const BROKER: Rows<Scene> = {
  async imageGenerate({ assistant }) {
    const { data } = await clientFor(assistant).images.generate({ model: 'painter', prompt: 'a red square' })
    assert.equal(data?.[0]?.b64_json, 'cG5n')
    return 'one image, priced by the image'
  },
  async imageEdit({ assistant }) {
    const image = await toFile(Buffer.from('png'), 'a.png')
    const { data } = await clientFor(assistant).images.edit({ model: 'painter', prompt: 'blue', image })
    assert.equal(data?.[0]?.b64_json, 'cG5n')
    return 'a form with a file'
  },
  async transcription({ assistant }) {
    const file = await toFile(silence(2), 'a.wav')
    const { text } = await clientFor(assistant).audio.transcriptions.create({ model: 'listener', file })
    assert.equal(text, 'two seconds of nothing')
    return 'a recording of two seconds, priced by the second'
  },
  async headers({ demo }) {
    const { response, data } = await clientFor(demo).chat.completions.create(CHAT).withResponse()
    const id = response.headers.get('zg-res-key')
    assert.equal(data.id, `chatcmpl-${id}`)
    assert.match(response.headers.get('access-control-expose-headers') ?? '', /ZG-Res-Key/i)
    return 'zg-res-key is the id of the answer'
  },
  async rateLimit({ demo, keys }) {
    const limited = clientFor(demo, keys.limited)
    const { response } = await limited.chat.completions.create(CHAT).withResponse()
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '1')
    return refused(limited.chat.completions.create(CHAT), OpenAI.RateLimitError, 429)
  },
  async payment({ demo, keys }) {
    return refused(clientFor(demo, keys.poor).chat.completions.create(CHAT), OpenAI.APIError, 402)
  },
  async conflict({ demo }) {
    const headers = { 'ZG-Max-Price': 'input=1,output=1' }
    const call = clientFor(demo).chat.completions.create(CHAT, { headers })
    return refused(call, OpenAI.ConflictError, 409)
  },
  async tooLarge({ demo }) {
    const content = 'x'.repeat(33 * 1024 * 1024)
    const call = clientFor(demo).chat.completions.create({ ...CHAT, messages: [{ role: 'user', content }] })
    return refused(call, OpenAI.APIError, 413)
  },
}

/** What the proxy adds. */
export const PROXY: Rows<Scene> = {
  async verdict({ demo }) {
    const { response } = await clientFor(demo).chat.completions.create(CHAT).withResponse()
    assert.equal(response.headers.get('x-0g-verdict'), 'accepted')
    return `${response.headers.get('x-0g-fee')} neuron, verdict accepted`
  },
  async responses({ demo }) {
    const { output_text } = await clientFor(demo).responses.create({
      model: 'demo',
      input: 'Once upon a time',
    })
    assert(output_text.length > 0)
    return "OpenAI's Responses endpoint"
  },
  async autoModel({ demo }) {
    const { choices } = await clientFor(demo).chat.completions.create({ ...CHAT, model: 'auto' })
    assert.equal(choices.length, 1)
    return '"auto" leaves the choice to the proxy'
  },
}

/** WAV: mono, 16 bits, 16,000 samples a second. */
function silence(seconds: number): Buffer {
  const data = Buffer.alloc(seconds * 32_000)
  const head = Buffer.from(
    'RIFF____WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data____',
    'latin1',
  )
  head.writeUInt32LE(36 + data.length, 4)
  head.writeUInt32LE(data.length, 40)
  return Buffer.concat([head, data])
}

async function collect<Chunk>(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

/** What the conformance engine says that it was asked with. */
async function echo(endpoint: Scene['assistant'], change: object) {
  const { choices } = await clientFor(endpoint).chat.completions.create({
    ...CHAT,
    model: 'assistant',
    ...change,
  })
  return JSON.parse(choices[0]!.message.content!)
}

function assertWeather(call: OpenAI.Chat.ChatCompletionMessageToolCall | undefined): void {
  assert(call?.type === 'function')
  assert.deepEqual(
    [call.function.name, JSON.parse(call.function.arguments)],
    ['get_weather', { city: 'Paris' }],
  )
}

/** The client's own class of error, with our code. */
async function refused(
  call: Promise<unknown>,
  kind: abstract new (...args: never) => InstanceType<typeof OpenAI.APIError>,
  status: number,
): Promise<string> {
  const error = await call.then(
    () => assert.fail('it was served'),
    (thrown: unknown) => thrown,
  )
  assert(error instanceof kind, String(error))
  assert.equal(error.status, status)
  assert(typeof error.code === 'string' && error.code.length > 0)
  return `${error.constructor.name} ${status}, ${error.code}`
}
