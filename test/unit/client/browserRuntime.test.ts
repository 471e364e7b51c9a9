import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserRuntime } from '../../../src/client/browserRuntime.ts'
import type { HttpRequest } from '../../../src/client/runtime.ts'

const TEXT = 'Hello, network. '.repeat(1000)

let server: Server
let base: string
let left: Promise<void>
const runtime = browserRuntime()

beforeAll(async () => {
  server = createServer(async (req, res) => {
    const path = req.url!.slice(1)
    left = new Promise((resolve) => res.once('close', resolve))
    if (path === 'never') return
    if (path === 'stalls') return void res.write('some')
    if (path === 'breaks') return void res.write('some', () => setTimeout(() => res.destroy(), 20))
    if (path === 'moved') return void res.writeHead(302, { location: '/text' }).end()
    if (path === 'echo') return void req.pipe(res)
    res.writeHead(200, { 'content-encoding': 'gzip', 'zg-res-key': 'ab' }).end(gzipSync(TEXT))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** Short where it is waited for. */
const limitsOf = (path: string) => {
  const timeoutMs = path === 'never' || path === 'stalls' ? 1000 : 30_000
  return { headersTimeoutMs: timeoutMs, bodyTimeoutMs: timeoutMs }
}
const request = (path: string, more: Partial<HttpRequest> = {}, url = base) =>
  runtime.request({ method: 'GET', url: `${url}/${path}`, ...limitsOf(path), ...more })

async function read(path: string, more: Partial<HttpRequest> = {}): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await request(path, more)).body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('browserRuntime', () => {
  it('gives decoded bytes and headers', async () => {
    expect(await read('text')).toBe(TEXT)
    expect((await request('text')).header('zg-res-key')).toBe('ab')
  })

  it('sends a body as it is, whole or in pieces', async () => {
    const body = new TextEncoder().encode('{"a":1}')
    expect(await read('echo', { method: 'POST', body })).toBe('{"a":1}')
    const stream = (async function* () {
      yield body.subarray(0, 3)
      yield body.subarray(3)
    })()
    expect(await read('echo', { method: 'POST', stream })).toBe('{"a":1}')
  })

  it('follows nobody elsewhere: a token goes to its provider only', async () => {
    await expect(request('moved')).rejects.toMatchObject({ code: 'provider_unreachable' })
  })

  it('says that a provider is down, slow before the answer, slow within it, or gone', async () => {
    await expect(request('text', {}, 'http://127.0.0.1:1')).rejects.toMatchObject({
      code: 'provider_unreachable',
      retryable: true,
    })
    await expect(request('never')).rejects.toMatchObject({ code: 'provider_slow', retryable: true })
    await expect(read('stalls')).rejects.toMatchObject({ code: 'provider_slow' })
    await expect(read('breaks')).rejects.toMatchObject({ code: 'provider_unreachable' })
  })

  it('ends a request when it is told to, or when nobody reads on', async () => {
    const controller = new AbortController()
    const pending = request('never', { signal: controller.signal })
    setTimeout(() => controller.abort(), 20)
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' })
    for await (const _chunk of (await request('stalls')).body) break
    await left
  })

  it('hashes in pieces, whatever becomes of them', () => {
    const hash = runtime.sha256()
    for (const piece of ['Hello', ', ', 'network']) {
      const bytes = Buffer.from(piece)
      hash.update(bytes)
      bytes.fill(0)
    }
    expect(hash.digest()).toBe(createHash('sha256').update('Hello, network').digest('hex'))
  })

  it('waits, and stops waiting', async () => {
    const startedAt = performance.now()
    await runtime.sleep(30)
    expect(performance.now() - startedAt).toBeGreaterThan(25)
    const controller = new AbortController()
    const sleeping = runtime.sleep(60_000, controller.signal)
    controller.abort()
    await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' })
    expect(runtime.randomHex(16)).toMatch(/^[0-9a-f]{32}$/)
  })
})
