import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { openAi, post, startDemo } from './fixtures/engines.ts'

const QUESTION = 'What is a receipt?'
const messages = [{ role: 'user' as const, content: QUESTION }]

let engine: Engine
let client: OpenAI
const model = 'demo'

beforeAll(async () => {
  engine = await startDemo({ parallel: 8 })
  client = openAi(engine)
})
afterAll(() => engine.stop())

const ask = (content: string) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }], temperature: 0 })

describe('through the openai client', () => {
  it('lists the model with its context length', async () => {
    const page = await client.models.list()
    expect(page.data).toMatchObject([
      { id: model, object: 'model', max_model_len: engine.models[0]?.contextLength },
    ])
  })

  it('answers a chat', async () => {
    const answer = await ask(QUESTION)
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/)
    expect(answer.choices[0]?.message).toMatchObject({
      role: 'assistant',
      content: expect.stringMatching(/receipt/i),
    })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
    expect(answer.usage?.prompt_tokens_details?.cached_tokens).toBe(0)
  })

  it('streams the same answer, with the usage last', async () => {
    const whole = await ask(QUESTION)
    const stream = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]?.message.content,
    )
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: whole.usage?.total_tokens } })
  })

  it('counts in each chunk when asked to', async () => {
    const body = { model, messages, max_tokens: 4, temperature: 0, stream: true, ignore_eos: true }
    const response = await post(engine, '/v1/chat/completions', {
      ...body,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    })
    const text = await response.text()
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    const events = text.split('\n\n').filter((line) => line.startsWith('data: {'))
    const counts = events.map((line) => JSON.parse(line.slice(6)).usage.completion_tokens)
    expect(counts).toEqual([0, 1, 2, 3, 4, 4, 4])
  })

  it('completes a text, and streams it', async () => {
    const request = { model, prompt: 'A receipt says', max_tokens: 8, temperature: 0 }
    const whole = await client.completions.create(request)
    expect(whole.id).toMatch(/^cmpl-/)
    expect(whole.usage?.completion_tokens).toBeLessThanOrEqual(8)
    let streamed = ''
    for await (const chunk of await client.completions.create({ ...request, stream: true }))
      streamed += chunk.choices[0]?.text ?? ''
    expect(streamed).toBe(whole.choices[0]?.text)
  })

  it('embeds several inputs as unit vectors', async () => {
    const input = ['What is a receipt?', 'Where does the money go?']
    const { data, usage } = await client.embeddings.create({ model, input })
    expect(data).toHaveLength(2)
    for (const { embedding } of data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
    expect(data[0]?.embedding).not.toEqual(data[1]?.embedding)
    expect(usage.prompt_tokens).toBe(await engine.countPromptTokens({ model, input }))
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' })
    expect(floats.data[0]?.embedding[0]).toBeCloseTo(data[0]?.embedding[0] ?? Number.NaN, 6)
  })
})

describe('parameters', () => {
  it('names the answer after X-Request-Id', async () => {
    const headers = { 'x-request-id': '0123456789abcdef0123456789abcdef' }
    const response = await post(
      engine,
      '/v1/chat/completions',
      { model, messages, max_tokens: 1 },
      { headers },
    )
    expect(await response.json()).toMatchObject({ id: 'chatcmpl-0123456789abcdef0123456789abcdef' })
  })

  it('repeats itself for a seed, and not for another', async () => {
    const sample = async (seed: number): Promise<string> => {
      const body = {
        model,
        messages,
        seed,
        temperature: 2,
        top_p: 1,
        top_k: -1,
        min_p: 0,
        max_tokens: 40,
        ignore_eos: true,
      }
      const response = await post(engine, '/v1/chat/completions', body)
      return JSON.stringify((await response.json()).choices)
    }
    const first = await sample(7)
    expect(await sample(7)).toBe(first)
    expect(await sample(8)).not.toBe(first)
  })

  it('ends before a stop string and at max_tokens', async () => {
    const whole = (await ask(QUESTION)).choices[0]?.message.content ?? ''
    const stop = whole.split(' ')[3] ?? ''
    const stopped = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      stop: [stop, 'never said'],
    })
    expect(stopped.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: whole.slice(0, whole.indexOf(stop)) },
    })
    const short = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      max_completion_tokens: 3,
    })
    expect(short.choices[0]?.finish_reason).toBe('length')
    expect(short.usage?.completion_tokens).toBe(3)
  })

  it('penalises what was said', async () => {
    const body = { model, messages, temperature: 0, max_tokens: 60, ignore_eos: true }
    const plain = await (await post(engine, '/v1/chat/completions', body)).json()
    const penalised = await (
      await post(engine, '/v1/chat/completions', { ...body, frequency_penalty: 2 })
    ).json()
    expect(penalised.choices[0].message.content).not.toBe(plain.choices[0].message.content)
  })

  it('holds an answer to a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { paid: { type: 'boolean' }, class: { enum: ['a', 'b'] } },
      required: ['paid', 'class'],
      additionalProperties: false,
    }
    const answer = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
    })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
    const parsed = JSON.parse(answer.choices[0]?.message.content ?? '')
    expect([typeof parsed.paid, ['a', 'b'].includes(parsed.class)]).toEqual(['boolean', true])
  })
})

describe('token counts', () => {
  const conversation = [
    { role: 'system' as const, content: 'You are naïve.' },
    { role: 'user' as const, content: 'Grüße, 数据 😀\n\n  two  spaces' },
    { role: 'assistant' as const, content: 'Yes.' },
    { role: 'user' as const, content: [{ type: 'text' as const, text: QUESTION }] },
  ]

  it('of a chat prompt are those of the usage', async () => {
    const { usage } = await client.chat.completions.create({ model, messages: conversation, max_tokens: 1 })
    expect(usage?.prompt_tokens).toBe(await engine.countPromptTokens({ model, messages: conversation }))
  })

  it('of a plain prompt are those of the usage, as text and as token ids', async () => {
    for (const prompt of ['Grüße 😀', [5, 6, 7, 300]]) {
      const { usage } = await client.completions.create({ model, prompt, max_tokens: 1 })
      expect(usage?.prompt_tokens).toBe(await engine.countPromptTokens({ model, prompt }))
    }
  })

  it('of an answer are those of its text', async () => {
    const answer = await ask(QUESTION)
    const text = answer.choices[0]?.message.content ?? ''
    expect(await engine.countTextTokens(model, text)).toBe(answer.usage?.completion_tokens)
  })

  it('are undefined for a body that the engine refuses', async () => {
    expect(await engine.countPromptTokens({ model: 'other', messages })).toBeUndefined()
    expect(await engine.countPromptTokens({ model, messages: 'no' })).toBeUndefined()
  })
})

describe('together', () => {
  it('answers eight at once as it answers one', async () => {
    const questions = [...Array(7).keys()].map((n) => `What is ${n + 2} plus ${n + 5}?`).concat(QUESTION)
    const alone: (string | null | undefined)[] = []
    for (const question of questions) alone.push((await ask(question)).choices[0]?.message.content)
    const together = await Promise.all(questions.map(ask))
    expect(together.map((answer) => answer.choices[0]?.message.content)).toEqual(alone)
  })

  it('lets a short request finish while seven long ones run', async () => {
    const order: string[] = []
    const run = async (name: string, max_tokens: number): Promise<void> => {
      const body = { model, messages, max_tokens, ignore_eos: true, stream: true }
      await (await post(engine, '/v1/chat/completions', body)).text()
      order.push(name)
    }
    const long = Array.from({ length: 7 }, () => run('long', 400))
    await Promise.all([...long, run('short', 2)])
    expect(order[0]).toBe('short')
  })
})
