import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHAT } from '../../support/brokerBench.ts'
import { type ServeProcess, startServe } from '../../support/serveProcess.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

const MIB = 1024 * 1024
const FRAME = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(16 * 1024) } }] })}\n\n`
const LONG_BYTES = (process.env.LONG ? 2000 : 600) * MIB
/** What the collector may leave lying about on a busy machine: half of what holding the answer would take. */
const GARBAGE_BYTES = 300 * MIB
const SLOW_READERS = 20

let world: World
let serve: ServeProcess
let token: string
let engine: Server
let sockets: Socket[] = []
/** Bytes that the engine has handed to its sockets. */
let written = 0

beforeAll(async () => {
  world = await startWorld()
  engine = await startFirehose()
  const target = `http://127.0.0.1:${(engine.address() as AddressInfo).port}/v1`
  serve = await startServe(world, [
    '--engine',
    'url',
    '--target',
    target,
    '--price-input',
    '0.001',
    '--price-output',
    '0.001',
  ])
  await world.fund(world.user)
  token = await tokenOf(world.user, world.provider.address)
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  engine?.closeAllConnections()
  await serve?.stop()
  await world?.stop()
  engine?.close()
})

describe('the memory of the broker', () => {
  it(`does not grow with an answer of ${LONG_BYTES / MIB} MiB`, { timeout: 300_000 }, async () => {
    await read(100 * MIB)
    const before = await serve.residentBytes()
    expect(await read(LONG_BYTES)).toBeGreaterThan(LONG_BYTES)
    expect((await serve.residentBytes()) - before).toBeLessThan(GARBAGE_BYTES)
  })

  it(`does not grow with ${SLOW_READERS} readers that take nothing; the engine is held back`, {
    timeout: 240_000,
  }, async () => {
    const before = await serve.residentBytes()
    const startedAt = written
    sockets = Array.from({ length: SLOW_READERS }, () => silentReader())
    const writtenInASecond = async () => {
      const early = written
      await sleep(1000)
      return written - early
    }
    await expect.poll(writtenInASecond, { timeout: 120_000 }).toBe(0)
    // What lies in the sockets' buffers between engine, broker and client.
    expect((written - startedAt) / SLOW_READERS).toBeLessThan(16 * MIB)
    // They ask for twenty times the long answer; what passed before the stall leaves some garbage.
    expect((await serve.residentBytes()) - before).toBeLessThan(GARBAGE_BYTES)
  })
})

const bodyOf = (bytes: number) =>
  JSON.stringify({ model: 'firehose', messages: [], max_tokens: 8, stream: true, seed: bytes })

async function read(bytes: number): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(serve.url + CHAT, { method: 'POST', headers, body: bodyOf(bytes) })
  let size = 0
  for await (const chunk of response.body!) size += chunk.length
  return size
}

function silentReader(): Socket {
  const { hostname, port } = new URL(serve.url)
  const body = bodyOf(LONG_BYTES)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.pause()
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

/** An engine that streams as many bytes as `seed` says, as fast as they are taken. */
async function startFirehose(): Promise<Server> {
  const server = createServer(async (req, res) => {
    if (req.url === '/v1/models')
      return void res.end(JSON.stringify({ data: [{ id: 'firehose', max_model_len: 4096 }] }))
    let body = ''
    for await (const chunk of req) body += chunk
    if (!req.url?.endsWith('/chat/completions')) return void res.writeHead(404).end('{}')
    const left = new AbortController()
    res.once('close', () => left.abort())
    const frames = Math.ceil(JSON.parse(body).seed / FRAME.length) + 1
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < frames && !res.destroyed; i++) {
      written += FRAME.length
      if (!res.write(FRAME)) await once(res, 'drain', { signal: left.signal }).catch(() => {})
    }
    res.write(
      `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: frames } })}\n\n`,
    )
    res.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
