import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { ReceiptDetail } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { CHAT } from '../../support/brokerBench.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

const PRICES = { input: 1000n, output: 4000n, cachedInput: 100n }
const USAGE = { prompt_tokens: 50, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 40 } }

let world: World
let server: Server
let engine: Engine
let broker: Broker
let token: string

beforeAll(async () => {
  ;[world, server] = await Promise.all([startWorld(), startCachingEngine()])
  engine = await attachUrlEngine({
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    logger: silentLogger,
  })
  const volume = [
    { from: 200_000n, percent: 10 },
    { from: 300_000n, percent: 25 },
  ]
  const models = { plain: { input: 1000n, output: 4000n } }
  broker = await world.startBroker(engine, { prices: { ...PRICES, volume, models } })
  await world.fund(world.user)
  token = await tokenOf(world.user, broker.provider)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  server?.close()
})

async function ask(change: object = {}) {
  const headers = { authorization: `Bearer ${token}` }
  const body = JSON.stringify({ model: 'caching', messages: [], max_tokens: 9, ...change })
  const response = await fetch(broker.url + CHAT, { method: 'POST', headers, body })
  await response.text()
  expect(response.status).toBe(200)
  const id = response.headers.get('zg-res-key')
  const proof = await (await fetch(`${broker.url}/v1/proxy/signature/${id}`, { headers })).json()
  return {
    fee: BigInt(proof.receipt.receipt.fee),
    detail: JSON.parse(proof.receipt.detail) as ReceiptDetail,
    headers: response.headers,
  }
}

describe('prices', () => {
  it.each([false, true])('count cached prompt tokens apart, streamed: %s', async (stream) => {
    const { fee, detail } = await ask({ stream })
    expect(detail.counts).toEqual({ input: 10, cachedInput: 40, output: 7 })
    expect(detail.prices).toEqual({ input: '1000', cachedInput: '100', output: '4000' })
    expect(fee).toBe(10n * 1000n + 40n * 100n + 7n * 4000n)
  })

  it('of a model without one for cached tokens count all prompt tokens alike', async () => {
    const { fee, detail } = await ask({ model: 'plain' })
    expect(detail.counts).toEqual({ input: 50, output: 7 })
    expect(fee).toBe(50n * 1000n + 7n * 4000n)
  })

  it('fall with what a user was charged in all, and the receipt says how', async () => {
    const fees: bigint[] = []
    for (let i = 0; i < 3; i++) fees.push((await ask({ model: 'plain' })).fee)
    // Charged before: 84,000 + 78,000 at full price, 240,000 from here on.
    expect(fees).toEqual([78_000n, 70_200n, 58_500n])
    const { detail } = await ask()
    expect(detail.multipliers).toEqual({ input: [75, 100], cachedInput: [75, 100], output: [75, 100] })
  })

  it('are all in /v1/models', async () => {
    const { data } = await (await fetch(`${broker.url}/v1/models`)).json()
    const volume_discounts = [
      { from: '200000', percent: 10 },
      { from: '300000', percent: 25 },
    ]
    expect(data.map(({ pricing }: { pricing: object }) => pricing)).toEqual([
      { prompt: '1000', completion: '4000', input_cache_read: '100', volume_discounts },
      { prompt: '1000', completion: '4000', volume_discounts },
    ])
  })
})

it('headers of the engine that say who and where it is do not reach the client', async () => {
  for (const stream of [false, true]) {
    const { headers } = await ask({ stream })
    const names = [...headers.keys()]
    for (const name of [
      'server',
      'via',
      'x-powered-by',
      'location',
      'openai-organization',
      'anthropic-version',
      'cf-ray',
      'set-cookie',
    ])
      expect(names).not.toContain(name)
    expect(headers.get('x-ratelimit-limit-requests')).not.toBe('engine')
  }
})

/** An engine with a prefix cache, and the headers of a hosted one. */
async function startCachingEngine(): Promise<Server> {
  const server = createServer(async (req, res) => {
    if (req.url === '/v1/models')
      return void res.end(
        JSON.stringify({ data: ['caching', 'plain'].map((id) => ({ id, max_model_len: 4096 })) }),
      )
    let body = ''
    for await (const chunk of req) body += chunk
    for (const name of [
      'Server',
      'Via',
      'X-Powered-By',
      'Location',
      'OpenAI-Organization',
      'Anthropic-Version',
      'CF-Ray',
      'Set-Cookie',
      'X-RateLimit-Limit-Requests',
    ])
      res.setHeader(name, 'engine')
    if (!req.url?.endsWith('/chat/completions')) return void res.writeHead(404).end('{}')
    if (!JSON.parse(body).stream)
      return void res.end(JSON.stringify({ choices: [{ message: { content: 'hi' } }], usage: USAGE }))
    res.write(`data: ${JSON.stringify({ choices: [{ delta: { content: 'hi' } }] })}\n\n`)
    res.end(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
