import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { post, startDemo, waitUntil } from './fixtures/engines.ts'

const model = 'demo'
const messages = [{ role: 'user', content: 'What is a receipt?' }]
const chat = '/v1/chat/completions'

let engine: Engine
beforeAll(async () => {
  engine = await startDemo({ parallel: 1, queueLimit: 1, contextSize: 200 })
})
afterAll(() => engine.stop())

async function refusal(path: string, body: unknown): Promise<[number, string]> {
  const response = await post(engine, path, body)
  const { error } = await response.json()
  expect(error).toMatchObject({
    message: expect.any(String),
    type: expect.any(String),
    code: expect.any(String),
  })
  return [response.status, error.code]
}

describe('refused in the shape of OpenAI', () => {
  const long = [{ role: 'user', content: 'receipt '.repeat(400) }]
  const cases: [string, string, unknown, number, string][] = [
    ['another model', chat, { model: 'gpt-5', messages }, 404, 'model_not_found'],
    ['no model', chat, { messages }, 404, 'model_not_found'],
    ['a body that is not JSON', chat, '{"model":', 400, 'invalid_json'],
    ['a body that is no object', chat, [1], 400, 'invalid_request'],
    ['no messages', chat, { model }, 400, 'invalid_request'],
    ['empty messages', chat, { model, messages: [] }, 400, 'invalid_request'],
    [
      'an image',
      chat,
      { model, messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      400,
      'unsupported_parameter',
    ],
    ['a prompt longer than the context', chat, { model, messages: long }, 400, 'context_length_exceeded'],
    ['the same in a stream', chat, { model, messages: long, stream: true }, 400, 'context_length_exceeded'],
    ['two answers', chat, { model, messages, n: 2 }, 400, 'unsupported_parameter'],
    ['log probabilities', chat, { model, messages, logprobs: true }, 400, 'unsupported_parameter'],
    ['tools', chat, { model, messages, tools: [{ type: 'function' }] }, 400, 'unsupported_parameter'],
    ['a temperature out of range', chat, { model, messages, temperature: 3 }, 400, 'invalid_request'],
    ['max_tokens of 0', chat, { model, messages, max_tokens: 0 }, 400, 'invalid_request'],
    ['an empty stop string', chat, { model, messages, stop: '' }, 400, 'invalid_request'],
    [
      'a schema that cannot be enforced',
      chat,
      {
        model,
        messages,
        response_format: { type: 'json_schema', json_schema: { schema: { type: 'string', pattern: 'a' } } },
      },
      400,
      'unsupported_schema',
    ],
    ['token ids out of the vocabulary', '/v1/completions', { model, prompt: [1e9] }, 400, 'invalid_request'],
    ['an empty prompt', '/v1/completions', { model, prompt: [] }, 400, 'invalid_request'],
    ['two prompts', '/v1/completions', { model, prompt: ['a', 'b'] }, 400, 'unsupported_parameter'],
    ['an empty input', '/v1/embeddings', { model, input: [] }, 400, 'invalid_request'],
    [
      'a long input',
      '/v1/embeddings',
      { model, input: 'receipt '.repeat(400) },
      400,
      'context_length_exceeded',
    ],
    ['an unknown path', '/v1/nothing', {}, 404, 'not_found'],
    ['a wrong method', '/v1/models', {}, 405, 'method_not_allowed'],
  ]
  it.each(cases)('%s', async (_name, path, body, status, code) => {
    expect(await refusal(path, body)).toEqual([status, code])
  })

  it('a body over 32 MiB', async () => {
    expect(await refusal(chat, 'x'.repeat(33 * 1024 * 1024))).toEqual([413, 'request_too_large'])
  })

  it('a caller without the bearer', async () => {
    for (const headers of [{ authorization: '' }, { authorization: `Bearer ${'0'.repeat(64)}` }]) {
      const response = await post(engine, chat, { model, messages }, { headers })
      expect(response.status).toBe(401)
    }
  })
})

describe('limits', () => {
  const endless = { model, messages, ignore_eos: true, stream: true }
  const short = { model, messages, max_tokens: 1 }

  it('ends at the context, never beyond it', async () => {
    const response = await post(engine, chat, { model, messages, ignore_eos: true })
    const { usage, choices } = await response.json()
    expect(usage.total_tokens).toBe(200)
    expect(choices[0].finish_reason).toBe('length')
  })

  it('lets one wait and refuses the next', async () => {
    const statuses = await Promise.all(
      [endless, endless, endless].map(async (body) => {
        const response = await post(engine, chat, body)
        await response.text()
        return response.status
      }),
    )
    expect(statuses.sort()).toEqual([200, 200, 503])
  })

  it('stops for a client that leaves, waiting or running', async () => {
    const roomy = await startDemo({ parallel: 1, queueLimit: 1 })
    try {
      const whole = performance.now()
      await (await post(roomy, chat, endless)).text()
      const fullTime = performance.now() - whole

      const running = new AbortController()
      const waiting = new AbortController()
      const stream = await post(roomy, chat, endless, { signal: running.signal })
      await stream.body?.getReader().read()
      const queued = post(roomy, chat, endless, { signal: waiting.signal }).catch(() => undefined)
      await waitUntil(async () => (await post(roomy, chat, short)).status === 503, 20_000)
      const left = performance.now()
      waiting.abort()
      running.abort()
      await queued
      await waitUntil(async () => (await post(roomy, chat, short)).status === 200, 60_000)
      expect(performance.now() - left).toBeLessThan(fullTime / 2)
    } finally {
      await roomy.stop()
    }
  })
})
