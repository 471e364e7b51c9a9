import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import type { HttpRequest } from '../../../src/client/runtime.ts'
import { keyOf, makeTlsIdentity, trust } from '../../support/tlsIdentity.ts'

const identity = makeTlsIdentity()
const other = 'ab'.repeat(32)

let server: Server
let url: string
/** Bytes of requests, as the server decrypted them. */
let received = 0
let connections = 0
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  trust(identity)
  server = createServer(identity, (req, res) => {
    req.resume().once('end', () => res.end('ok'))
  })
  server.on('connection', () => {
    connections++
  })
  server.on('secureConnection', (socket) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.close()
  received = connections = 0
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

function runtime() {
  const made = nodeRuntime()
  open.push(made)
  const ask = async (more: Partial<HttpRequest> = {}) => {
    const body = new TextEncoder().encode('a secret')
    const limits = { headersTimeoutMs: 10_000, bodyTimeoutMs: 10_000 }
    const response = await made.request({ method: 'POST', url: `${url}/v1`, body, ...limits, ...more })
    for await (const _ of response.body);
    return response
  }
  const expectKey = (key: string | null, owner = 'a provider') =>
    made.expectTlsKey(owner, `${url}/elsewhere`, key)
  return { ask, expectKey, close: made.close }
}

describe('the TLS key of a connection', () => {
  it('is told with the answer, also on a connection that is used again', async () => {
    const { ask } = runtime()
    expect((await ask()).tlsKey).toBe(keyOf(identity))
    expect((await ask()).tlsKey).toBe(keyOf(identity))
    expect(connections).toBe(1)
  })

  it('lets requests through where it is the expected one', async () => {
    const { ask, expectKey } = runtime()
    expectKey(keyOf(identity))
    expect((await ask()).status).toBe(200)
    expect((await ask({ stream: pieces(), headers: { 'content-length': '8' } })).status).toBe(200)
  })

  it('stops a request before a byte of it leaves where it is another', async () => {
    const { ask, expectKey } = runtime()
    expectKey(other)
    await expect(ask()).rejects.toMatchObject({ code: 'tls_key_mismatch', exitCode: 10 })
    expect([connections, received]).toEqual([1, 0])
  })

  it('stops it on a connection that was open already, too', async () => {
    const { ask, expectKey } = runtime()
    await ask()
    const before = received
    expectKey(other)
    await expect(ask()).rejects.toMatchObject({ code: 'tls_key_mismatch' })
    expect([connections, received]).toEqual([1, before])
  })

  it('sees it, and stops a request, on a new connection to the same server', async () => {
    const { ask, expectKey } = runtime()
    await ask({ headers: { connection: 'close' } })
    expect((await ask({ headers: { connection: 'close' } })).tlsKey).toBe(keyOf(identity))
    const before = received
    expectKey(other)
    await expect(ask()).rejects.toMatchObject({ code: 'tls_key_mismatch' })
    expect(received).toBe(before)
  })

  it('does not matter for what anybody may read, and no more once it is forgotten', async () => {
    const { ask, expectKey } = runtime()
    expectKey(other)
    expect((await ask({ isPublic: true })).status).toBe(200)
    expectKey(null)
    expect((await ask()).status).toBe(200)
  })

  it('stays expected whatever somebody else at the same host says', async () => {
    const { ask, expectKey } = runtime()
    expectKey(other)
    for (const key of [null, keyOf(identity)]) {
      expectKey(key, 'somebody else')
      await expect(ask()).rejects.toMatchObject({ code: 'tls_key_mismatch' })
    }
    expectKey(keyOf(identity))
    expect((await ask()).status).toBe(200)
  })

  it('of a connection that was closed meanwhile is none: the request fails, and nothing else', async () => {
    const { ask, expectKey, close } = runtime()
    await ask()
    expectKey(keyOf(identity))
    const asked = ask()
    await close()
    await expect(asked).rejects.toMatchObject({ exitCode: expect.any(Number) })
  })
})

async function* pieces() {
  yield new TextEncoder().encode('a se')
  yield new TextEncoder().encode('cret')
}
