import { createHash } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BrokerApi } from '../../../src/client/brokerApi.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'

const TEXT = 'Hello, network. '.repeat(1000)
const BODIES: Record<string, Buffer> = {
  identity: Buffer.from(TEXT),
  gzip: gzipSync(TEXT),
  br: brotliCompressSync(TEXT),
  deflate: deflateSync(TEXT),
}

let server: Server
let base: string
let accepted: string | undefined
const runtime = nodeRuntime()

beforeAll(async () => {
  server = createServer((req, res) => {
    accepted = req.headers['accept-encoding']
    const path = req.url!.slice(1)
    if (path === 'never') return
    if (path === 'switches')
      return void req.socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
      )
    if (path === 'v1/models') return trickle(res)
    if (path === 'stalls') return void res.write('some')
    if (path === 'breaks') return void res.write('some', () => setTimeout(() => res.destroy(), 20))
    if (path === 'moved') return void res.writeHead(302, { location: '/identity' }).end()
    res.setHeader('content-encoding', path).end(BODIES[path])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  await runtime.close()
  server.closeAllConnections()
  server.close()
})

/** Short where it is waited for. */
const timeoutOf = (path: string) => (path === 'never' || path === 'stalls' ? 1000 : 30_000)

const request = (path: string, url = base) => {
  const timeoutMs = timeoutOf(path)
  return runtime.request({
    method: 'GET',
    url: `${url}/${path}`,
    headersTimeoutMs: timeoutMs,
    bodyTimeoutMs: timeoutMs,
  })
}

/** A little now and then, without an end. */
function trickle(res: ServerResponse): void {
  const timer = setInterval(() => res.write(' '), 20)
  res.once('close', () => clearInterval(timer))
}

async function read(path: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await request(path)).body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('nodeRuntime', () => {
  it('asks for bytes as they are', async () => {
    await read('identity')
    expect(accepted).toBe('identity')
  })

  it.each(Object.keys(BODIES))('gives the decoded bytes of a body that comes as %s', async (encoding) => {
    expect(await read(encoding)).toBe(TEXT)
  })

  it('follows nobody elsewhere: a token goes to its provider only', async () => {
    expect((await request('moved')).status).toBe(302)
  })

  it('says that a provider is down, slow before the answer, slow within it, or gone', async () => {
    await expect(request('identity', 'http://127.0.0.1:1')).rejects.toMatchObject({
      code: 'provider_unreachable',
    })
    await expect(request('never')).rejects.toMatchObject({ code: 'provider_slow', retryable: true })
    await expect(read('stalls')).rejects.toMatchObject({ code: 'provider_slow' })
    await expect(read('breaks')).rejects.toMatchObject({ code: 'provider_unreachable' })
  })

  it('says that one is gone who answers in another protocol', async () => {
    await expect(request('switches')).rejects.toMatchObject({ code: 'provider_unreachable' })
  })

  it('says that one is slow whose document comes, and comes', async () => {
    const models = new BrokerApi(runtime, base).models(250)
    await expect(models).rejects.toMatchObject({ code: 'provider_slow', retryable: true })
  })

  it('hashes in pieces', () => {
    const hash = runtime.sha256()
    for (const piece of ['Hello', ', ', 'network']) hash.update(Buffer.from(piece))
    expect(hash.digest()).toBe(createHash('sha256').update('Hello, network').digest('hex'))
  })
})
