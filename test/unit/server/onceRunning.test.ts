import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { Once } from '../../../src/provider/server/once.ts'
import { sqliteHome, TEST_KEY } from '../../support/ledger.ts'

const MIB = 1024 * 1024
const REQUEST = {
  user: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8' as Address,
  key: 'long',
  endpoint: 'chat/completions',
  requestHash: '00',
}

let home: Awaited<ReturnType<typeof sqliteHome>>
let ledger: Awaited<ReturnType<typeof home.open>>

beforeAll(async () => {
  home = await sqliteHome()
  ledger = await home.open()
})

afterAll(async () => {
  await ledger?.close()
  await home?.remove()
})

it('a retry joins a running answer, until that is too long to be sent from its start', async () => {
  const once = new Once(TEST_KEY, ledger)
  const id = once.idOf(REQUEST)
  const { sink, done } = once.begin(id, REQUEST, 5000)
  const server = createServer((_req, res) => void sink.join(res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, (response) => response.resume())
  sink.writeHead(200, {})
  await sink.write(Buffer.alloc(MIB))
  expect(once.running(id, REQUEST)).toBe(sink)
  for (let i = 0; i < 16; i++) await sink.write(Buffer.alloc(MIB))
  expect(() => once.running(id, REQUEST)).toThrow(
    expect.objectContaining({ code: 'idempotency_key_running', status: 409, retryable: true }),
  )
  sink.end(Buffer.from('end'))
  done()
  expect(once.running(id, REQUEST)).toBeNull()
  server.closeAllConnections()
  server.close()
})
