import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

const refusals = async (code: string): Promise<number> => {
  const metrics = await bench.broker.control.metrics.text()
  const found = new RegExp(`^broker_requests_rejected_total\\{reason="${code}".*\\} (\\d+)$`, 'm').exec(
    metrics,
  )
  return Number(found?.[1] ?? 0)
}

/** A request of which the broker has seen this much. */
async function begin(part: string): Promise<Socket> {
  const socket = connect(bench.broker.port, '127.0.0.1')
  await new Promise<void>((resolve) => socket.write(part, () => resolve()))
  return socket
}

it('an engine at its limit is said to be that, and nothing is charged', async () => {
  const before = await bench.owed()
  const answer = await bench.post(bench.chat({ model: 'busy' }))
  expect(answer).toMatchObject({ status: 503, code: 'engine_busy' })
  expect(answer.error).toMatchObject({ retryable: true })
  expect(await bench.owed()).toBe(before)
})

it('a client that leaves in the middle of its request is counted, and the engine is not asked', async () => {
  const [before, asked] = [await refusals('request_aborted'), bench.scripted.requests.length]
  const head = [`POST ${CHAT} HTTP/1.1`, 'host: x', `authorization: Bearer ${bench.token}`]
  const socket = await begin(`${[...head, 'content-length: 1000'].join('\r\n')}\r\n\r\n{"model":`)
  // The broker answers another request on the same machine in between: it has had time to read the first.
  expect((await bench.post(bench.chat())).status).toBe(200)
  socket.destroy()
  await expect.poll(() => refusals('request_aborted'), { timeout: 20_000 }).toBe(before + 1)
  expect(bench.scripted.requests.length).toBe(asked + 1)
})

it('a request that was on its way when the broker began to stop is told so; the running answer ends', async () => {
  const { broker, scripted } = bench
  scripted.delayMs = 20
  const running = bench.post(bench.chat({ stream: true, max_tokens: 100 }))
  const late = await begin('GET /v1/models HTTP/1.1\r\nhost: x\r\n')
  const lateReady = await begin('GET /readyz HTTP/1.1\r\nhost: x\r\n')
  await expect.poll(() => scripted.requests.at(-1)?.body).toContain('"max_tokens":100')
  const stopped = broker.stop()
  for (const socket of [late, lateReady]) socket.write('connection: close\r\n\r\n')
  const [answer, readiness] = await Promise.all([text(late), text(lateReady)])
  expect(answer).toMatch(/^HTTP\/1\.1 503 /)
  expect(JSON.parse(answer.split('\r\n\r\n')[1]!).error).toMatchObject({ code: 'draining', retryable: true })
  expect(readiness).toContain('{"ready":false,"reasons":["draining"]}')
  expect((await running).text).toMatch(/t99 .*\[DONE\]\n\n$/s)
  await stopped
})
