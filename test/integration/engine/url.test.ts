import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineState } from '../../../src/provider/engine/engine.ts'
import type { SupervisedEngine } from '../../../src/provider/engine/supervisedEngine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { bearerOf, openAi, startDemo, waitUntil } from './fixtures/engines.ts'

const messages = [{ role: 'user' as const, content: 'What is a receipt?' }]

describe('an engine by URL', () => {
  let served: SupervisedEngine
  beforeAll(async () => {
    served = await startDemo({ parallel: 1 })
  })
  afterAll(() => served.stop())

  it('is used like any other, with its key, and without a digest', async () => {
    const engine = await attachUrlEngine({ target: `${served.baseUrl}/`, apiKey: bearerOf(served) })
    expect(engine.baseUrl).toBe(served.baseUrl)
    expect(engine.models).toMatchObject([
      { id: 'demo', digest: null, contextLength: served.models[0]?.contextLength },
    ])
    const answer = await openAi(engine).chat.completions.create({ model: 'demo', messages, max_tokens: 2 })
    expect(await engine.countPromptTokens({ model: 'demo', messages })).toBe(answer.usage?.prompt_tokens)
    expect(await engine.countTextTokens('demo', 'a receipt')).toBe(
      await served.countTextTokens('demo', 'a receipt'),
    )
    await engine.stop()
    expect(engine.state).toBe('stopped')
  })

  it('adds /v1 to a bare host', async () => {
    const engine = await attachUrlEngine({ target: new URL(served.baseUrl).origin, apiKey: bearerOf(served) })
    expect(engine.baseUrl).toBe(served.baseUrl)
    await engine.stop()
  })

  it('says why it cannot be used', async () => {
    const apiKey = bearerOf(served)
    const target = served.baseUrl
    const refused = attachUrlEngine({ target, apiKey: 'wrong' })
    await expect(refused).rejects.toMatchObject({ code: 'engine_refused' })
    await expect(attachUrlEngine({ target: 'ftp://x' })).rejects.toMatchObject({
      code: 'engine_target_invalid',
    })
    await expect(attachUrlEngine({ target: 'http://127.0.0.1:9/v1' })).rejects.toMatchObject({
      code: 'engine_unreachable',
    })
    const other = attachUrlEngine({ target, apiKey, models: ['other'] })
    await expect(other).rejects.toMatchObject({
      code: 'model_not_found',
      hint: expect.stringContaining('demo'),
    })
  })
})

describe('a server of another make', () => {
  /** llama-server's documented answers; the real one is not an npm package. */
  function llamaServer(): Server {
    return createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => {
        const { content } = text === '' ? { content: '' } : JSON.parse(text)
        const answers: Record<string, object> = {
          '/v1/models': { data: [{ id: 'm', meta: { n_ctx_train: 4096 } }] },
          '/tokenize': { tokens: [...String(content)].map((_, index) => index) },
          '/apply-template': { prompt: 'rendered' },
        }
        const answer = answers[request.url ?? '']
        response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}))
      })
    })
  }

  const listen = (server: Server, port = 0): Promise<number> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })

  it('counts through llama-server, and notices when it goes and comes back', async () => {
    const first = llamaServer()
    const port = await listen(first)
    const engine = await attachUrlEngine({ target: `http://127.0.0.1:${port}/v1` })
    expect(engine.models).toMatchObject([{ id: 'm', contextLength: 4096 }])
    expect(await engine.countPromptTokens({ model: 'm', messages })).toBe('rendered'.length)
    expect(await engine.countPromptTokens({ model: 'm', prompt: ['ab', 'c'] })).toBe(3)

    const states: EngineState[] = []
    engine.onStateChange((state) => states.push(state))
    first.closeAllConnections()
    first.close()
    await waitUntil(() => states.includes('restarting'), 10_000)
    const second = llamaServer()
    await listen(second, port)
    await waitUntil(() => states.includes('ready'), 5_000)
    await engine.stop()
    second.closeAllConnections()
    second.close()
    expect(states).toEqual(['restarting', 'ready', 'stopped'])
  })
})
