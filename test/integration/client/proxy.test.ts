import { type ChildProcess, spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { Budget } from '../../../src/cli/mcp/budget.ts'
import { infer } from '../../../src/cli/mcp/infer.ts'
import { Arguments } from '../../../src/cli/mcp/tool.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { type ProxyLine, ProxyServer } from '../../../src/client/proxy/proxyServer.ts'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startTamperProxy, type TamperProxy } from '../../support/tamperProxy.ts'
import { PRICES, startWorld, type World } from '../../support/world.ts'
import { approval, clientOf } from './clientOf.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let host: TamperProxy
let compute: Compute
let proxy: ProxyServer
let baseURL: string
let openai: OpenAI
const lines: ProxyLine[] = []
const TOKEN = 'zg-test'

beforeAll(async () => {
  ;[world, scripted, host] = await Promise.all([startWorld(), startScriptedEngine(), startTamperProxy()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine, { publicUrl: host.url })
  host.target = `http://127.0.0.1:${broker.port}`
  compute = await clientOf(world, world.user)
  await compute.ensureFunds(broker.provider, ONE_0G, approval().hooks)
  ;[proxy, baseURL] = await started(new SpendBook(join(world.dir, 'spent.json'), null))
  openai = new OpenAI({ baseURL, apiKey: TOKEN, maxRetries: 0 })
})

beforeEach(() => {
  host.tampering = null
  lines.length = 0
})

afterAll(async () => {
  await proxy?.close(0)
  await compute?.close()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  await host?.stop()
})

async function started(spending: SpendBook): Promise<[ProxyServer, string]> {
  const server = new ProxyServer(compute, {
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    model: 'steady',
    spending,
    onRequest: (line) => void lines.push(line),
  })
  return [server, await server.listen()]
}

const CHAT = { model: 'steady', messages: [{ role: 'user' as const, content: 'canary' }], max_tokens: 3 }

const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(baseURL + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

/** One character of what is sealed. */
const changeAnswer = {
  response: (body: Buffer) =>
    Buffer.from(
      body
        .toString()
        .replace(/"ciphertext":"(.)/, (found, first) => found.slice(0, -1) + (first === 'A' ? 'B' : 'A')),
    ),
}

describe('the proxy', () => {
  it('serves the OpenAI client, says the verdict, and nothing of the contents', async () => {
    const { data, response } = await openai.chat.completions.create(CHAT).withResponse()
    expect(data.choices[0]!.message.content).toBe('tok tok tok ')
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({ 'x-0g-verdict': 'accepted', 'x-0g-provider': broker.provider })
    expect(BigInt(headers['x-0g-fee']!)).toBeGreaterThan(0n)
    const [receipt] = (await compute.receipts()).slice(-1)
    expect(receipt!.signed.detail).toContain(headers['x-0g-receipt'])
    await expect.poll(() => lines).toMatchObject([{ path: '/v1/chat/completions', status: 200, error: null }])
    expect(
      JSON.stringify(lines, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain('canary')
  })

  it('ends a stream with a comment and with trailers', async () => {
    const { text, trailers } = await new Promise<{ text: string; trailers: NodeJS.Dict<string> }>(
      (resolve, reject) => {
        const headers = { authorization: `Bearer ${TOKEN}`, te: 'trailers' }
        const outgoing = request(`${baseURL}/chat/completions`, { method: 'POST', headers }, (answer) => {
          let received = ''
          answer.on('data', (chunk) => {
            received += chunk
          })
          answer.on('end', () => resolve({ text: received, trailers: answer.trailers }))
        })
        outgoing.on('error', reject)
        outgoing.end(JSON.stringify({ ...CHAT, stream: true }))
      },
    )
    expect(text).toMatch(
      /data: \[DONE\]\n\n: x-0g-verdict=accepted .*x-0g-fee=\d+ x-0g-receipt=[0-9a-f]{32}.*\n\n$/,
    )
    expect(trailers).toMatchObject({ 'x-0g-verdict': 'accepted', 'x-0g-fee': expect.stringMatching(/^\d+$/) })
  })

  it('lists the models of all providers', async () => {
    const { data } = await openai.models.list()
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(['steady', 'dies']))
    expect(data[0]).toMatchObject({ object: 'model', providers: [broker.provider] })
  })

  it('lets no answer come to a regular end that was changed on its way', async () => {
    host.tampering = changeAnswer
    await expect(openai.chat.completions.create(CHAT)).rejects.toMatchObject({
      status: 502,
      code: 'answer_rejected',
    })
    const text = await (await post('/chat/completions', { ...CHAT, stream: true })).text()
    expect(text).toMatch(/data: \{"error":\{.*"code":"answer_rejected"/)
    expect(text).not.toContain('[DONE]')
  })

  it.each([
    ['without its token', { authorization: 'Bearer another' }, 401, 'proxy_token_wrong'],
    ['from a web page', { origin: 'https://evil.example' }, 403, 'proxy_origin_refused'],
  ])('serves nothing %s', async (_, headers, status, code) => {
    const before = scripted.requests.length
    const response = await post('/chat/completions', CHAT, headers)
    expect([response.status, (await response.json()).error.code]).toEqual([status, code])
    expect(scripted.requests).toHaveLength(before)
  })

  it('does not serve a page that resolved its own name to this machine', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${TOKEN}`, host: 'rebound.example' }
      request(`${baseURL}/models`, { headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  it('takes bodies of megabytes', async () => {
    const content = 'x'.repeat(3 * 1024 * 1024)
    const response = await post('/chat/completions', { ...CHAT, messages: [{ role: 'user', content }] })
    expect([response.status, response.headers.get('x-0g-verdict')]).toEqual([200, 'accepted'])
    expect(scripted.requests.at(-1)!.body.length).toBeGreaterThan(content.length)
  })

  it('speaks the Messages API of Anthropic where the engine does not, streaming and not', async () => {
    const message = {
      model: 'no-messages',
      max_tokens: 3,
      system: 'short',
      messages: [{ role: 'user', content: 'hi' }],
    }
    const headers = { authorization: '', 'x-api-key': TOKEN, 'anthropic-version': '2023-06-01' }
    const whole = await (await post('/messages', message, headers)).json()
    expect(whole).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'no-messages',
      content: [{ type: 'text', text: 'tok tok tok ' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 10, output_tokens: 3 },
    })
    expect(JSON.parse(scripted.requests.at(-1)!.body)).toMatchObject({
      model: 'no-messages',
      messages: [
        { role: 'system', content: 'short' },
        { role: 'user', content: 'hi' },
      ],
    })
    const text = await (await post('/messages', { ...message, stream: true }, headers)).text()
    const types = [...text.matchAll(/^event: (\S+)$/gm)].map(([, type]) => type)
    expect(types).toEqual([
      'message_start',
      'content_block_start',
      ...Array(3).fill('content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(text).toContain('x-0g-verdict=accepted')
    host.tampering = changeAnswer
    const bad = await (await post('/messages', { ...message, stream: true }, headers)).text()
    expect(bad).toContain('event: error\ndata: {"error"')
    expect(bad).not.toContain('message_stop')
  })

  it("ends no message of the engine's own that was changed on its way", async () => {
    const asked = { model: 'claude-x', max_tokens: 3, messages: CHAT.messages, stream: true }
    const text = await (await post('/messages', asked)).text()
    expect(text).toContain('event: message_stop')
    expect(scripted.requests.at(-1)!.path).toBe('/v1/messages')
    host.tampering = changeAnswer
    const bad = await (await post('/messages', asked)).text()
    expect(bad).toMatch(/event: error\ndata: \{"error":\{.*"code":"answer_rejected"/)
    expect(bad).not.toContain('message_stop')
  })

  it('refuses a message that cannot be translated as Anthropic does, and sends nothing', async () => {
    const { length } = scripted.requests
    const source = { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }
    const content = [
      { type: 'document', source },
      { type: 'text', text: 'Summarise this' },
    ]
    const asked = { model: 'no-messages', max_tokens: 3, messages: [{ role: 'user', content }] }
    const response = await post('/messages', asked)
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { type: 'error', error: { type: 'invalid_request_error', code: 'request_invalid' } },
    ])
    const unknown = await post('/messages', asked, { authorization: 'Bearer zg-wrong' })
    expect(await unknown.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
    expect(scripted.requests).toHaveLength(length)
  })

  it('refuses a response that goes on from another one, with the official client', async () => {
    const { length } = scripted.requests
    const ask = { model: 'steady', input: 'And its capital?', previous_response_id: 'resp_1' }
    await expect(openai.responses.create(ask)).rejects.toMatchObject({
      status: 400,
      code: 'request_invalid',
      message: expect.stringContaining('previous_response_id'),
    })
    expect(scripted.requests).toHaveLength(length)
  })

  it('speaks the Responses API, with the official client', async () => {
    const ask = { model: 'steady', input: 'hi', instructions: 'short', max_output_tokens: 3 }
    const whole = await openai.responses.create(ask)
    expect(whole).toMatchObject({
      status: 'completed',
      output_text: 'tok tok tok ',
      usage: { total_tokens: 13 },
    })
    const types: string[] = []
    let text = ''
    for await (const event of await openai.responses.create({ ...ask, stream: true })) {
      types.push(event.type)
      if (event.type === 'response.output_text.delta') text += event.delta
    }
    expect(text).toBe('t0 t1 t2 ')
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
  })

  it('spends no more a day than it may, also after a restart', async () => {
    const path = join(world.dir, 'limited.json')
    const limit = 10n ** 13n
    const ask = async (url: string) => {
      const body = JSON.stringify({ ...CHAT, max_tokens: 500 })
      const response = await fetch(`${url}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
        body,
      })
      const { error } = await response.json()
      return error ? error.code : BigInt(response.headers.get('x-0g-fee')!)
    }
    let spent = 0n
    let last: unknown
    for (let restart = 0; restart < 3; restart++) {
      const [limited, url] = await started(new SpendBook(path, limit))
      for (let i = 0; i < 3; i++) {
        last = await ask(url)
        if (typeof last === 'bigint') spent += last
      }
      await limited.close(0)
    }
    expect(last).toBe('spending_limit')
    expect(spent).toBeGreaterThan(0n)
    expect(spent).toBeLessThanOrEqual(limit)
  })

  it('spends no more either where somebody on the way lets no answer through', async () => {
    const answer = await openai.chat.completions.create(CHAT).withResponse()
    const worst = BigInt(answer.response.headers.get('x-0g-max-cost')!)
    const limit = 3n * worst
    const [limited, url] = await started(new SpendBook(join(world.dir, 'dropped.json'), limit))
    const client = new OpenAI({ baseURL: url, apiKey: TOKEN, maxRetries: 0 })
    const { length } = scripted.requests
    host.tampering = {
      response: () => {
        throw new Error('dropped')
      },
    }
    // All that reach the broker are charged.
    for (let i = 0; i < 5; i++) await expect(client.chat.completions.create(CHAT)).rejects.toThrow()
    expect(scripted.requests.length - length).toBeLessThanOrEqual(3)
    await expect(client.chat.completions.create(CHAT)).rejects.toMatchObject({ code: 'spending_limit' })
    await limited.close(0)
  })

  it('counts nothing for what was refused before it began', async () => {
    const book = new SpendBook(join(world.dir, 'refused.json'), ONE_0G)
    const [limited, url] = await started(book)
    const client = new OpenAI({ baseURL: url, apiKey: TOKEN, maxRetries: 0 })
    await expect(client.chat.completions.create({ ...CHAT, model: 'fails' })).rejects.toThrow()
    await expect.poll(() => book.today).toBe(0n)
    await expect(client.chat.completions.create({ ...CHAT, model: 'no such' })).rejects.toMatchObject({
      status: 404,
    })
    const stream = await client.chat.completions.create({
      ...CHAT,
      model: 'dies',
      max_tokens: 9,
      stream: true,
    })
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toThrow()
    await expect.poll(() => book.today).toBeGreaterThan(0n)
    expect(book.today).toBeLessThan(10n ** 12n)
    await limited.close(0)
  })
})

describe('clients that leave', () => {
  const CLIENTS = 30

  it('keep no request open', async () => {
    for (let i = 0; i < CLIENTS; i++) await readSome(i % 10)
    await expect.poll(() => lines.length).toBe(CLIENTS)
  })

  /** Leaves after so many pieces of a stream, with more of it on the way. */
  function readSome(pieces: number): Promise<void> {
    return new Promise((left) => {
      const headers = { authorization: `Bearer ${TOKEN}` }
      const url = `${baseURL}/chat/completions`
      const asked = request(url, { method: 'POST', headers }, (response) => {
        let read = 0
        response.on('data', () => {
          if (read++ === pieces) asked.destroy()
        })
        response.on('error', () => {})
        response.on('close', left)
      })
      asked.end(JSON.stringify({ ...CHAT, max_tokens: 1000, stream: true }))
    })
  }
})

describe('a price that changed since it was read', () => {
  afterAll(() => broker.control.changePrices(PRICES))

  /** Asks after each change of prices. @returns the fees of the answers */
  async function feesOf(ask: () => Promise<bigint>): Promise<bigint> {
    let fees = 0n
    for (const times of [2n, 3n, 4n]) {
      await broker.control.changePrices({ input: PRICES.input * times, output: PRICES.output * times })
      fees += await ask()
    }
    return fees
  }

  it("sets nothing of the day's limit aside for good", async () => {
    const book = new SpendBook(join(world.dir, 'dearer.json'), null)
    const [dearer, url] = await started(book)
    const client = new OpenAI({ baseURL: url, apiKey: TOKEN, maxRetries: 0 })
    const fees = await feesOf(async () => {
      const { response } = await client.chat.completions.create(CHAT).withResponse()
      return BigInt(response.headers.get('x-0g-fee')!)
    })
    expect(fees).toBeGreaterThan(0n)
    await expect.poll(() => book.today).toBe(fees)
    await dearer.close(0)
  })

  it("nor of the budget of an agent's session", async () => {
    const budget = new Budget(ONE_0G)
    const desk = { compute, budget, maxCost: undefined, provider: undefined, preferences: {}, funding: {} }
    const prompt = new Arguments({ prompt: 'x', model: 'steady', max_tokens: 3 })
    await feesOf(async () => {
      const before = budget.spent
      await infer.run(desk, prompt, new AbortController().signal)
      return budget.spent - before
    })
    expect(budget.spent).toBeGreaterThan(0n)
    expect(budget.left).toBe(ONE_0G - budget.spent)
  })
})

describe('on the command line', () => {
  const PROGRAM = join(import.meta.dirname, '../../../bin/0g-compute.js')
  let child: ChildProcess | undefined

  it('makes a token once, for its owner alone, seals nothing where told so, and ends on a signal', async () => {
    const env = devnetHome(world, broker.url)
    const args = [PROGRAM, 'proxy', '--port', '0', '--max-spend', '0.1', '--no-private', '--json']
    child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ready = await new Promise<{ baseUrl: string; token: string; tokenFile: string }>((resolve) => {
      let text = ''
      child!.stdout!.on('data', (chunk) => {
        text += chunk
        if (text.includes('\n')) resolve(JSON.parse(text))
      })
    })
    const client = new OpenAI({ baseURL: ready.baseUrl, apiKey: ready.token, maxRetries: 0 })
    const { data, response } = await client.chat.completions.create(CHAT).withResponse()
    expect([data.choices.length, response.headers.get('x-0g-sealed')]).toEqual([1, 'false'])
    const shown = await runCli(['proxy', '--show-token'], env)
    expect(shown.stdout.trimEnd()).toBe(ready.token)
    const ended = new Promise((resolve) => child!.once('exit', resolve))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
