import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HDNodeWallet, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let token: string

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  await world.fund(world.user)
  token = await tokenOf(world.user, broker.provider)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

const CHAT = '/v1/proxy/chat/completions'
const chat = (change: object = {}) =>
  JSON.stringify({
    model: 'steady',
    messages: [{ role: 'user', content: 'canary-7f3a' }],
    max_tokens: 4,
    ...change,
  })

async function post(body: string, headers: Record<string, string> = {}, path = CHAT) {
  const response = await fetch(broker.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await response.text()
  const error = text.startsWith('{') ? JSON.parse(text).error : undefined
  return {
    status: response.status,
    code: error?.code as string | undefined,
    error,
    text,
    headers: response.headers,
  }
}

describe('no request without a valid token reaches the engine', () => {
  it.each([
    ['no header', undefined, 'token_missing'],
    ['no bearer', 'Basic abc', 'token_malformed'],
    ['no token', 'Bearer sk-abc', 'token_malformed'],
    ['a broken token', 'Bearer app-sk-AAAA', 'token_malformed'],
  ])('%s', async (_name, authorization, code) => {
    const before = scripted.requests.length
    const headers: Record<string, string> = authorization ? { authorization } : {}
    const response = await fetch(broker.url + CHAT, { method: 'POST', headers, body: chat() })
    expect(response.status).toBe(401)
    expect((await response.json()).error).toMatchObject({ code, type: 'authentication_error' })
    expect(scripted.requests.length).toBe(before)
  })

  it('nor with one of another signer, provider, time', async () => {
    const before = scripted.requests.length
    const stranger = Wallet.createRandom() as HDNodeWallet
    const hour = 3_600_000
    const cases: [string, string][] = [
      [
        await tokenOf(stranger, broker.provider, { address: world.user.address as `0x${string}` }),
        'token_signature_invalid',
      ],
      [await tokenOf(world.user, world.user.address), 'token_wrong_provider'],
      [await tokenOf(world.user, broker.provider, { expiresAt: Date.now() - 1 }), 'token_expired'],
      [await tokenOf(world.user, broker.provider, { expiresAt: Date.now() + 25 * hour }), 'token_too_long'],
      [await tokenOf(world.user, broker.provider, { expiresAt: 0 }), 'token_too_long'],
      [await tokenOf(world.user, broker.provider, { timestamp: Date.now() + hour }), 'token_not_yet_valid'],
      [await tokenOf(world.user, broker.provider, { generation: 1 }), 'token_revoked'],
    ]
    for (const [bad, code] of cases) {
      expect(await post(chat(), { authorization: `Bearer ${bad}` })).toMatchObject({ status: 401, code })
    }
    const other = await post(chat(), {
      authorization: `Bearer ${await tokenOf(world.user, stranger.address)}`,
    })
    expect(other.error.message).toBe(
      `Provider ${broker.provider} answers here, and the API key is for provider ${stranger.address}`,
    )
    expect(scripted.requests.length).toBe(before)
  })

  it('nor on any path that is not a route, by any method, as raw bytes', async () => {
    const before = scripted.requests.length
    const targets = [
      '/v1/proxy/chat/completions?x=1',
      '/v1/proxy//chat/completions',
      '/v1/proxy/chat%2Fcompletions',
      '/v1/proxy/chat%2e/completions',
      '/v1/proxy/../v1/proxy/chat/completions',
      '/v1/proxy/%2e%2e/proxy/chat/completions',
      '/V1/PROXY/chat/completions',
      '/v1/proxy/chat/completions/',
      '/v1/proxy/tokenize',
      '/v1/proxy/anything',
      `http://evil.example${CHAT}`,
    ]
    for (const target of targets) {
      for (const method of ['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'PROPFIND']) {
        const status = await rawStatus(method, target, chat())
        expect(status, `${method} ${target}`).toBeGreaterThanOrEqual(400)
        expect(status, `${method} ${target}`).toBeLessThan(500)
      }
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH'])
      expect(await rawStatus(method, CHAT, chat())).toBe(405)
    expect(scripted.requests.length).toBe(before)
  })
})

describe('a bad request has its own code, costs nothing and does not reach the engine', () => {
  it.each([
    ['invalid JSON', '{', 400, 'json_invalid'],
    ['an array', '[]', 400, 'body_invalid'],
    ['a number', '1', 400, 'body_invalid'],
    ['nothing', '', 400, 'json_invalid'],
    ['an unknown model', chat({ model: 'gpt-99' }), 404, 'model_not_found'],
    ['a model that is no string', chat({ model: 5 }), 400, 'body_invalid'],
    ['a negative max_tokens', chat({ max_tokens: -1 }), 400, 'body_invalid'],
    ['a stream that is no boolean', chat({ stream: 'yes' }), 400, 'body_invalid'],
    ['stream options that are no object', chat({ stream: true, stream_options: 3 }), 400, 'body_invalid'],
  ])('%s', async (_name, body, status, code) => {
    const before = scripted.requests.length
    const answer = await post(body)
    expect(answer).toMatchObject({ status, code })
    expect(answer.text).not.toContain('canary')
    expect(scripted.requests.length).toBe(before)
    expect(await owed()).toBe(0n)
  })

  it('an oversized body', async () => {
    const before = scripted.requests.length
    const huge = chat({ messages: [{ role: 'user', content: 'x'.repeat(33 * 1024 * 1024) }] })
    const answer = await post(huge).catch((error: Error) => ({ status: 413, code: 'body_too_large', error }))
    expect(answer).toMatchObject({ status: 413, code: 'body_too_large' })
    expect(scripted.requests.length).toBe(before)
  })

  it('a price dearer than the client saw', async () => {
    const before = scripted.requests.length
    expect(await post(chat(), { 'zg-max-price': 'input=999999999,output=4000000000' })).toMatchObject({
      status: 409,
      code: 'price_changed',
      error: { details: { input: '1000000000', output: '4000000000' } },
    })
    expect(await post(chat(), { 'zg-max-price': 'cheap' })).toMatchObject({
      status: 400,
      code: 'header_invalid',
    })
    expect(scripted.requests.length).toBe(before)
  })

  it('an account that is missing or too small, with the exact shortfall', async () => {
    const before = scripted.requests.length
    const poor = world.anvil.wallets[5]!
    const key = await tokenOf(poor, broker.provider)
    expect(await post(chat(), { authorization: `Bearer ${key}` })).toMatchObject({
      status: 402,
      code: 'account_missing',
    })
    if (await isFromOneNeuron()) {
      await world.fund(poor, 1000n)
      const answer = await post(chat(), { authorization: `Bearer ${key}` })
      expect(answer).toMatchObject({ status: 402, code: 'balance_insufficient' })
      const { needed, available, shortfall } = answer.error.details
      expect(available).toBe('1000')
      expect(BigInt(needed) - 1000n).toBe(BigInt(shortfall))
      expect(answer.error.next).toContain(`--provider ${broker.provider}`)
      await world.fund(poor, BigInt(shortfall))
      expect((await post(chat(), { authorization: `Bearer ${key}` })).status).toBe(200)
      expect(scripted.requests.length).toBe(before + 1)
    }
  })
})

describe('a bad engine costs the user at most what came', () => {
  it.each([
    ['fails', 502, 'engine_failed'],
    ['no-usage', 502, 'usage_missing'],
    ['garbage', 502, 'usage_missing'],
    ['dies', 502, 'engine_died'],
  ])('%s', async (model, status, code) => {
    const before = await owed()
    expect(await post(chat({ model }))).toMatchObject({ status, code })
    expect(await owed()).toBe(before)
  })

  it('one that breaks off a stream is charged for what was handed over, as partial', async () => {
    const before = await owed()
    const answer = await post(chat({ model: 'dies', stream: true, max_tokens: 50 }))
    expect(answer.text).toContain('engine_died')
    expect(answer.text).not.toContain('[DONE]')
    const id = answer.headers.get('zg-res-key')!
    const proof = await (
      await fetch(`${broker.url}/v1/proxy/signature/${id}`, { headers: { authorization: `Bearer ${token}` } })
    ).json()
    const detail = JSON.parse(proof.receipt.detail)
    expect(detail).toMatchObject({ status: 'partial', counts: { output: 5 } })
    expect((await owed()) - before).toBe(BigInt(proof.receipt.receipt.fee))
  })

  it('a stream without usage counts a token a frame', async () => {
    const answer = await post(chat({ model: 'no-usage', stream: true, max_tokens: 6 }))
    const id = answer.headers.get('zg-res-key')!
    const proof = await (
      await fetch(`${broker.url}/v1/proxy/signature/${id}`, { headers: { authorization: `Bearer ${token}` } })
    ).json()
    expect(JSON.parse(proof.receipt.detail)).toMatchObject({ status: 'complete', counts: { output: 6 } })
  })

  it('a client that leaves stops the engine and pays for what it got', async () => {
    scripted.delayMs = 20
    const before = await owed()
    const aborted = scripted.aborted
    const controller = new AbortController()
    const response = await fetch(broker.url + CHAT, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: chat({ stream: true, max_tokens: 500 }),
      signal: controller.signal,
    })
    const reader = response.body!.getReader()
    for (let i = 0; i < 5; i++) await reader.read()
    controller.abort()
    await expect.poll(() => scripted.aborted).toBe(aborted + 1)
    await expect.poll(owed).toBeGreaterThan(before)
    await sleep(100)
    expect((await owed()) - before).toBeLessThan(250n * 4n * 10n ** 9n)
    scripted.delayMs = 0
  })

  it('one that is down is said to be so, and nothing is charged', async () => {
    const before = await owed()
    await scripted.stop()
    const answer = await post(chat())
    expect(['engine_unreachable', 'engine_restarting']).toContain(answer.code)
    expect(answer.error.retryable).toBe(true)
    expect(await owed()).toBe(before)
  })
})

const isFromOneNeuron = async () => (await world.ledger.getFunction('MIN_ACCOUNT_BALANCE').staticCall()) <= 1n

async function owed(): Promise<bigint> {
  const path = `/v1/user/${world.user.address}/unsettledfee`
  const response = await fetch(broker.url + path, { headers: { authorization: `Bearer ${token}` } })
  return BigInt((await response.json()).unsettledFee)
}

/** A request whose target goes out exactly as written. */
function rawStatus(method: string, target: string, body: string): Promise<number> {
  const { hostname, port } = new URL(broker.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `${method} ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      )
    })
    socket.once('data', (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString())?.[1]))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
