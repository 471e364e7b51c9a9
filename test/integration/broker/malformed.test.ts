import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonLogger } from '../../../src/base/log.ts'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { malformedRequest } from '../../support/malformed.ts'
import { seeded } from '../../support/seeded.ts'
import { tokenOf } from '../../support/world.ts'

const REQUESTS = process.env.LONG ? 10_000 : 2000
const SEED = Number(process.env.SEED ?? 20260722)
const AT_ONCE = 24
const SLOW = 1000
/** What a broker has to say of an engine whose answer is none: the stand-in streams where nobody asked it to. */
const ENGINES_OWN = /"code":"usage_missing"/

const unexpected: string[] = []
let bench: Bench

beforeAll(async () => {
  bench = await startBench({
    limits: {
      ...DEFAULT_LIMITS,
      strangers: { perIpPerMinute: 0, perMinute: 0 },
      user: { ...DEFAULT_LIMITS.user, requestsPerMinute: 0, tokensPerMinute: 0 },
    },
    log: jsonLogger((line) => line.includes('"unexpected"') && unexpected.push(line)),
  })
})

afterAll(() => bench?.stop())

describe(`${REQUESTS} malformed requests with seed ${SEED}`, () => {
  it('crash nothing, get no 5xx, and bring no byte to the engine without authorization', {
    timeout: 300_000,
  }, async () => {
    const random = seeded(SEED)
    const statuses = new Map<number, number>()
    const faults: string[] = []
    const next = () => malformedRequest(random, bench.token)
    let left = REQUESTS
    const worker = async () => {
      while (left-- > 0) {
        const { bytes } = next()
        const { status, text } = await send(bytes)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
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
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 404, 405]))
    expect((await bench.post(bench.chat())).status).toBe(200)
    expect((await bench.broker.control.status()).running).toBe(0)
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
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(500)
    for (const socket of sockets) socket.destroy()
  })
})

/** The answer; status 0 when the connection ended without one. */
function send(bytes: Buffer): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(bench.broker.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let status = 0
    let text = ''
    // A request that was cut short keeps the connection open: it has said all that it will.
    const timer = setTimeout(() => socket.destroy(), 400)
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
