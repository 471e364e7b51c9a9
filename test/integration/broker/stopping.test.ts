import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { CHAT } from '../../support/brokerBench.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

/** Before the engine ends an answer, or counts a text. */
let pause = Promise.withResolvers<void>()
let counting = 0

const FRAME = 'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'

/** An engine that says five words, ends them when it may, and counts nothing unless it is asked. */
const server: Server = createServer(async (req, res) => {
  const json = (body: object) =>
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (req.url === '/v1/models') return json({ data: [{ id: 'words', max_model_len: 4096 }] })
  const { stream, content } = JSON.parse(await text(req))
  // At the first of these the broker finds out that it counts.
  if (req.url === '/tokenize' && content === undefined) {
    counting++
    await pause.promise
  }
  if (req.url === '/tokenize') return json({ count: 5 })
  if (!stream) return json({})
  res.writeHead(200, { 'content-type': 'text/event-stream' }).write(FRAME.repeat(5))
  await pause.promise
  res.end('data: [DONE]\n\n')
})

let world: World
let engine: Engine
let broker: Broker
let token: string

beforeAll(async () => {
  world = await startWorld()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  engine = await attachUrlEngine({ target, logger: silentLogger })
  broker = await world.startBroker(engine)
  await world.fund(world.user)
  token = await tokenOf(world.user, broker.provider)
})

afterAll(async () => {
  pause.resolve()
  await world?.stop()
  await engine?.stop()
  server.closeAllConnections()
  server.close()
})

/** Reads the first words of an answer, and leaves. */
async function leaveAfterFirst(headers: Record<string, string>): Promise<void> {
  const client = new AbortController()
  const response = await fetch(broker.url + CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ model: 'words', messages: [], max_tokens: 50, stream: true }),
    signal: client.signal,
  })
  await response.body!.getReader().read()
  client.abort()
}

async function receipts(): Promise<number> {
  const { receipts } = await (
    await fetch(`${broker.url}/v1/user/${world.user.address}/receipts`, {
      headers: { authorization: `Bearer ${token}` },
    })
  ).json()
  return receipts.length
}

it.each([{}, { 'idempotency-key': 'left' }])(
  'what was delivered to a client that left is charged before the broker is gone: %o',
  async (headers) => {
    pause = Promise.withResolvers()
    const [before, asked] = [await receipts(), counting]
    await leaveAfterFirst(headers)
    const stopped = broker.stop({ graceMs: 0 })
    await expect.poll(() => counting).toBeGreaterThan(asked)
    // Time enough for a ledger to be closed that nobody waits with.
    await Promise.race([stopped, sleep(500)])
    pause.resolve()
    await stopped
    broker = await world.startBroker(engine)
    expect(await receipts()).toBe(before + 1)
  },
)
