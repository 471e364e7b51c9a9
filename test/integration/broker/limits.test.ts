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
    const running = Array.from({ length: 3 }, () =>
      bench.post(bench.chat({ stream: true, max_tokens: 1000 })),
    )
    await expect.poll(() => bench.scripted.requests.length).toBe(before + 3)
    const refused = await bench.post(bench.chat())
    expect(refused).toMatchObject({ status: 429, code: 'concurrency' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('600')
    bench.scripted.delayMs = 0
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200, 200])
    // A place is given back a moment after its answer.
    await expect.poll(places).toBe(0)
    expect((await bench.post(bench.chat())).status).toBe(200)
    expect(bench.scripted.requests.length).toBe(before + 4)
  })

  it('gets 503 when all places of the broker are taken', async () => {
    const other = bench.world.anvil.wallets[6]!
    await bench.world.fund(other)
    const key = { authorization: `Bearer ${await tokenOf(other, bench.broker.provider)}` }
    bench.scripted.delayMs = 30
    const before = bench.scripted.requests.length
    const long = bench.chat({ stream: true, max_tokens: 1000 })
    const running = [bench.post(long), bench.post(long), bench.post(long), bench.post(long, key)]
    await expect.poll(() => bench.scripted.requests.length).toBe(before + 4)
    const refused = await bench.post(bench.chat(), key)
    expect(refused).toMatchObject({ status: 503, code: 'global_concurrency' })
    expect(refused.headers.get('retry-after')).toBe('1')
    bench.scripted.delayMs = 0
    await Promise.all(running)
    await expect.poll(places).toBe(0)
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
    const refilled = secondsSince(startedAt) / 2
    const served = codes.filter((code) => code !== 'unknown_callers_limited')
    expect(served.length).toBeLessThanOrEqual(30 + refilled)
    // What strangers may cost comes back with time.
    expect(reads()).toBeLessThanOrEqual(30 + refilled + ownReads(startedAt))
    // A customer does not notice.
    expect((await bench.post(bench.chat())).status).toBe(200)
  })

  it('one of whom asks again and again is not looked up each time', async () => {
    bench.broker.control.changeLimits(LIMITS)
    const key = await tokenOf(Wallet.createRandom() as HDNodeWallet, bench.broker.provider)
    const reads = countCalls('eth_call')
    const startedAt = Date.now()
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => bench.post(bench.chat(), { authorization: `Bearer ${key}` })),
    )
    expect(answers.map(({ status }) => status).filter((status) => status !== 402 && status !== 429)).toEqual(
      [],
    )
    // Four times a second for the caller.
    expect(reads()).toBeLessThanOrEqual(4 + 4 * secondsSince(startedAt) + ownReads(startedAt))
  })

  it('that guess tokens are stopped before the signature is looked at', async () => {
    bench.broker.control.changeLimits(LIMITS)
    const codes: (string | undefined)[] = []
    const startedAt = Date.now()
    for (let i = 0; i < 40; i++) {
      const key = await tokenOf(bench.world.user, bench.broker.provider, { nonce: `${i}` })
      const forged = Buffer.from(key.slice(7), 'base64')
        .toString()
        .replace(/.$/, (c) => (c === '0' ? '1' : '0'))
      const token = `app-sk-${Buffer.from(forged).toString('base64')}`
      codes.push((await bench.post(bench.chat(), { authorization: `Bearer ${token}` })).code)
    }
    expect(codes).toContain('unknown_callers_limited')
    const looked = codes.filter((code) => code !== 'unknown_callers_limited')
    expect(looked.length).toBeLessThanOrEqual(30 + secondsSince(startedAt) / 2)
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
    timeout: 180_000,
  }, async () => {
    const before = await bench.owed()
    const asked = bench.scripted.requests.length
    const body = bench.chat({ stream: true, max_tokens: 2_000_000 / 10 })
    const { hostname, port } = new URL(bench.broker.url)
    const socket = connect(Number(port), hostname)
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.pause()
    socket.write(
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bench.token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await expect.poll(() => bench.scripted.requests.length).toBe(asked + 1)
    await expect.poll(places, { timeout: 60_000 }).toBe(0)
    socket.destroy()
    expect(await bench.owed()).toBeGreaterThan(before)
    expect((await bench.post(bench.chat())).status).toBe(200)
  })
})

/** Places that are taken. */
const places = () => bench.broker.control.status().then(({ running }) => running)

const secondsSince = (startedAt: number): number => (Date.now() - startedAt) / 1000

/** What the broker reads for itself: its epoch once a second, in a few calls, and what it settles. */
const ownReads = (startedAt: number): number => 12 + 4 * secondsSince(startedAt)

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
