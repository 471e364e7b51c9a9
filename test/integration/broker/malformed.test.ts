import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonLogger } from '../../../src/base/log.ts'
import { FINE_TUNING_SERVICE } from '../../../src/chain/ledger.ts'
import { sealRequest } from '../../../src/protocol/e2ee/index.ts'
import { parseToken, tokenHash } from '../../../src/protocol/sessionToken.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import { signRequest } from '../../../src/protocol/signedRequest.ts'
import type { BrokerOptions } from '../../../src/provider/broker.ts'
import { DEFAULT_FINE_TUNING_LIMITS } from '../../../src/provider/finetune/options.ts'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { type Customer, malformedRequest } from '../../support/malformed.ts'
import { MEDIA_MODEL } from '../../support/malformedBodies.ts'
import { seeded } from '../../support/seeded.ts'
import { PRICES, tokenOf } from '../../support/world.ts'

const REQUESTS = 10_000
const SEED = Number(process.env.SEED ?? 20260722)
const AT_ONCE = 24
const SLOW = 1000
/** What a broker has to say of an engine whose answer is none: the stand-in streams where nobody asked it to. */
const ENGINES_OWN = /"code":"usage_missing"/
const MEDIA_PRICES = { input: 0n, output: 0n, image: 1n, second: 1n }
/** How far the generator gets, beside the first checks. */
const REFUSALS = [
  'route_unknown',
  'method_not_allowed',
  'query_not_allowed',
  'token_missing',
  'token_malformed',
  'request_signature_missing',
  'request_signature_invalid',
  'request_body_changed',
  'json_invalid',
  'body_invalid',
  'e2ee_malformed',
  'form_invalid',
  'form_malformed',
  'signature_expired',
  'task_not_found',
]
const REACHED = ['/v1/chat/completions', '/v1/images/edits', '/v1/audio/transcriptions']

const unexpected: string[] = []
const cacheDir = mkdtempSync(join(tmpdir(), 'zg-malformed-'))
let bench: Bench
let customer: Customer

beforeAll(async () => {
  const options: Partial<BrokerOptions> = {
    prices: { ...PRICES, models: { [MEDIA_MODEL]: MEDIA_PRICES } },
    // Nothing is trained: a program that ends at once stands for Python.
    fineTuning: {
      models: [{ name: '0g-compute-demo', path: resolve('models/demo') }],
      prices: { perToken: 1n },
      limits: DEFAULT_FINE_TUNING_LIMITS,
      trainer: { kind: 'local' },
      python: 'true',
      cacheDir,
    },
    limits: {
      ...DEFAULT_LIMITS,
      strangers: { perIpPerMinute: 0, perMinute: 0 },
      user: { ...DEFAULT_LIMITS.user, requestsPerMinute: 0, tokensPerMinute: 0 },
    },
    log: jsonLogger((line) => line.includes('"unexpected"') && unexpected.push(line)),
  }
  bench = await startBench(options, undefined, { [MEDIA_MODEL]: ['image', 'transcription'] })
  customer = await customerOf(bench)
})

afterAll(async () => {
  await bench?.stop()
  rmSync(cacheDir, { recursive: true, force: true })
})

describe(`${REQUESTS} malformed requests with seed ${SEED}`, () => {
  it('crash nothing, get no 5xx, and bring no byte to the engine without authorization', {
    timeout: 300_000,
  }, async () => {
    const random = seeded(SEED)
    const statuses = new Set<number>()
    const codes = new Set<string | undefined>()
    const faults: string[] = []
    const next = () => malformedRequest(random, customer)
    let left = REQUESTS
    const worker = async () => {
      while (left-- > 0) {
        const { bytes } = next()
        const { status, text } = await send(bytes)
        statuses.add(status)
        codes.add(/"code":"(\w+)"/.exec(text)?.[1])
        if (status >= 500 && !ENGINES_OWN.test(text))
          faults.push(`${status} ${bytes.subarray(0, 60).toString('latin1')} ${text}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    expect(faults).toEqual([])
    expect(unexpected).toEqual([])
    const seen = bench.scripted.requests.map(({ body }) => body)
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.filter((body) => body.includes('stranger'))).toEqual([])
    // The generator reaches past the first check: many kinds of refusal, and some answers.
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404, 405]))
    expect([...codes]).toEqual(expect.arrayContaining(REFUSALS))
    expect(bench.scripted.requests.map(({ path }) => path)).toEqual(expect.arrayContaining(REACHED))
    expect((await bench.post(bench.chat())).status).toBe(200)
    await expect.poll(() => bench.broker.control.status().then(({ running }) => running)).toBe(0)
  })
})

describe(`${SLOW} slow and half-open connections`, () => {
  it('do not stop others', { timeout: 120_000 }, async () => {
    const other = bench.world.anvil.wallets[6]!
    await bench.world.fund(other)
    const key = await tokenOf(other, bench.broker.provider)
    const { hostname, port } = new URL(bench.broker.url)
    const openings = [
      '',
      'POST ',
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nX-Slow: `,
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{`,
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: 100000\r\n\r\n{`,
    ]
    const sockets = await Promise.all(
      Array.from(
        { length: SLOW },
        (_, index) =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(Number(port), hostname, () => resolve(socket))
            socket.on('error', () => {})
            socket.write(openings[index % openings.length]!)
          }),
      ),
    )
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      const startedAt = performance.now()
      expect((await bench.post(bench.chat())).status).toBe(200)
      times.push(performance.now() - startedAt)
    }
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(5000)
    for (const socket of sockets) socket.destroy()
  })
})

/** The funded user of a bench, who may send datasets too. */
async function customerOf({ world, broker, token }: Bench): Promise<Customer> {
  const ledger = world.ledger.connect(world.user) as Contract
  await (await ledger.getFunction('depositFund')({ value: 10n ** 18n })).wait()
  await (await ledger.getFunction('transferFund')(broker.provider, FINE_TUNING_SERVICE, 10n ** 18n)).wait()
  const { chainId, inference: contract } = world.network
  const key = randomBytes(32)
  const bound = await tokenOf(world.user, broker.provider, { chainId, contract, sessionKey: addressOf(key) })
  const seal = async (mark: string) => {
    const body = { model: 'steady', messages: [{ role: 'user', content: mark }], max_tokens: 4 }
    const target = { publicKey: world.tee.encryption!.publicKey, signer: world.tee.signer }
    return (await sealRequest(body, target)).envelope
  }
  return {
    address: world.user.address,
    token,
    bound,
    sealed: { authorized: await seal('authorized'), stranger: await seal('stranger') },
    sign: (method, path, body) =>
      signRequest(key, chainId, contract, {
        token: tokenHash(parseToken(bound)!.message),
        nonce: randomBytes(16).toString('hex'),
        time: Math.floor(Date.now() / 1000),
        head: { method, path, headers: {} },
        bodyHash: createHash('sha256').update(body).digest('hex'),
      }),
  }
}

/** The answer; status 0 when the connection ended without one. */
function send(bytes: Buffer): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(bench.broker.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let status = 0
    let text = ''
    // A request that was cut short keeps the connection open: it has said all that it will. One that was not has its
    // answer when the broker, however busy, has answered one that came later.
    const timer = setTimeout(() => void bench.post(bench.chat()).finally(() => socket.destroy()), 400)
    socket.on('data', (data) => {
      status ||= Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString('latin1'))?.[1] ?? 0)
      text += data.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve({ status, text })
    })
  })
}
