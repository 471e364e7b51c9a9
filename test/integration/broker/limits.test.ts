import { connect } from 'node:net'
import { type HDNodeWallet, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { tokenOf } from '../../support/world.ts'

const LIMITS = {
  ...DEFAULT_LIMITS,
  concurrent: 4,
  user: { concurrent: 3, requestsPerMinute: 600, tokensPerMinute: 100_000 },
  strangers: { perIpPerMinute: 30, perMinute: 100 },
  writeTimeoutMs: 1000,
}

let bench: Bench

beforeAll(async () => {
  bench = await startBench({ limits: LIMITS })
})

afterAll(() => bench?.stop())

describe('a user', () => {
  it('sees its limits in the headers of every answer', async () => {
    const { headers } = await bench.post(bench.chat({ max_tokens: 4000 }))
    expect(headers.get('x-ratelimit-limit-requests')).toBe('600')
    expect(Number(headers.get('x-ratelimit-remaining-requests'))).toBeLessThan(600)
    expect(headers.get('x-ratelimit-limit-tokens')).toBe('100000')
    expect(headers.get('x-ratelimit-reset-tokens')).toMatch(/^[\d.]+s$/)
    const later = await bench.post(bench.chat())
    expect(Number(later.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(100_000)
  })

  it('that runs as many requests as it may gets 429 for the next, with when to come back', async () => {
    bench.scripted.delayMs = 30
    const before = bench.scripted.requests.length
    const running = Array.from({ length: 3 }, () => bench.post(bench.chat({ stream: true, max_tokens: 20 })))
    await expect.poll(() => bench.scripted.requests.length).toBe(before + 3)
    const refused = await bench.post(bench.chat())
    expect(refused).toMatchObject({ status: 429, code: 'concurrency' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('600')
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200, 200])
    bench.scripted.delayMs = 0
    expect((await bench.post(bench.chat())).status).toBe(200)
    expect(bench.scripted.requests.length).toBe(before + 4)
  })

  it('gets 503 when all places of the broker are taken', async () => {
    const other = bench.world.anvil.wallets[6]!
    await bench.world.fund(other)
    const key = { authorization: `Bearer ${await tokenOf(other, bench.broker.provider)}` }
    bench.scripted.delayMs = 30
    const before = bench.scripted.requests.length
    const long = bench.chat({ stream: true, max_tokens: 20 })
    const running = [bench.post(long), bench.post(long), bench.post(long), bench.post(long, key)]
    await expect.poll(() => bench.scripted.requests.length).toBe(before + 4)
    const refused = await bench.post(bench.chat(), key)
    expect(refused).toMatchObject({ status: 503, code: 'global_concurrency' })
    expect(refused.headers.get('retry-after')).toBe('1')
    await Promise.all(running)
    bench.scripted.delayMs = 0
  })

  it('with other limits from now on is held to those', async () => {
    bench.broker.control.changeLimits({ ...LIMITS, user: { ...LIMITS.user, requestsPerMinute: 1 } })
    await bench.post(bench.chat())
    const refused = await bench.post(bench.chat())
    expect(refused).toMatchObject({ status: 429, code: 'rate_limit' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1)
    bench.broker.control.changeLimits(LIMITS)
    expect((await bench.post(bench.chat())).status).toBe(200)
  })
})

describe('callers without an account', () => {
  it('cost the chain a bounded number of reads, whatever they send', async () => {
    bench.broker.control.changeLimits(LIMITS)
    const reads = countCalls('eth_call')
    const codes: (string | undefined)[] = []
    const startedAt = Date.now()
    for (let i = 0; i < 60; i++) {
      const stranger = Wallet.createRandom() as HDNodeWallet
      const key = await tokenOf(stranger, bench.broker.provider)
      codes.push((await bench.post(bench.chat(), { authorization: `Bearer ${key}` })).code)
    }
    expect(codes).toContain('account_missing')
    expect(codes.slice(-20)).toEqual(Array(20).fill('unknown_callers_limited'))
    // What strangers may cost comes back with time, and once a second the broker looks for its epoch.
    expect(reads()).toBeLessThanOrEqual(30 + (2 * (Date.now() - startedAt)) / 1000)
    // A customer does not notice.
    expect((await bench.post(bench.chat())).status).toBe(200)
  })

  it('one of whom asks again and again is not looked up each time', async () => {
    bench.broker.control.changeLimits(LIMITS)
    const key = await tokenOf(Wallet.createRandom() as HDNodeWallet, bench.broker.provider)
    const reads = countCalls('eth_call')
    const startedAt = Date.now()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => bench.post(bench.chat(), { authorization: `Bearer ${key}` })),
    )
    expect(answers.map(({ status }) => status).filter((status) => status !== 402 && status !== 429)).toEqual(
      [],
    )
    // Four times a second for the caller, and once for the epoch.
    expect(reads()).toBeLessThanOrEqual(4 + (5 * (Date.now() - startedAt)) / 1000)
  })

  it('that guess tokens are stopped before the signature is looked at', async () => {
    bench.broker.control.changeLimits(LIMITS)
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 40; i++) {
      const key = await tokenOf(bench.world.user, bench.broker.provider, { nonce: `${i}` })
      const forged = Buffer.from(key.slice(7), 'base64')
        .toString()
        .replace(/.$/, (c) => (c === '0' ? '1' : '0'))
      const token = `app-sk-${Buffer.from(forged).toString('base64')}`
      codes.push((await bench.post(bench.chat(), { authorization: `Bearer ${token}` })).code)
    }
    expect(codes.at(-1)).toBe('unknown_callers_limited')
    expect((await bench.post(bench.chat())).status).toBe(200)
  })

  it('may not send large bodies', async () => {
    bench.broker.control.changeLimits(LIMITS)
    const key = await tokenOf(Wallet.createRandom() as HDNodeWallet, bench.broker.provider)
    const huge = bench.chat({ messages: [{ role: 'user', content: 'x'.repeat(1024 * 1024) }] })
    const answer = await bench
      .post(huge, { authorization: `Bearer ${key}` })
      .catch(() => ({ status: 402, code: 'account_missing' }))
    expect(answer).toMatchObject({ status: 402, code: 'account_missing' })
  })
})

describe('slow readers', () => {
  it('that take nothing are cut off, pay for what was handed over, and free their place', {
    timeout: 90_000,
  }, async () => {
    const before = await bench.owed()
    const body = bench.chat({ stream: true, max_tokens: 2_000_000 / 10 })
    const { hostname, port } = new URL(bench.broker.url)
    const socket = connect(Number(port), hostname)
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.pause()
    socket.write(
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bench.token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await expect.poll(() => bench.broker.control.status().then(({ running }) => running)).toBe(1)
    await expect
      .poll(() => bench.broker.control.status().then(({ running }) => running), { timeout: 60_000 })
      .toBe(0)
    socket.destroy()
    expect(await bench.owed()).toBeGreaterThan(before)
    expect((await bench.post(bench.chat())).status).toBe(200)
  })
})

/** Calls of one kind to the chain from now on, except those of watching it. */
function countCalls(method: string): () => number {
  const { rpc } = bench.world.anvil
  const send = rpc._send.bind(rpc)
  let count = 0
  rpc._send = (payload) => {
    for (const call of [payload].flat()) if (call.method === method) count++
    return send(payload)
  }
  return () => count
}
