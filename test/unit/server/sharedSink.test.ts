import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AppError } from '../../../src/base/errors.ts'
import { SharedSink } from '../../../src/provider/server/sharedSink.ts'

const GRACE_MS = 150
const MIB = 1024 * 1024

let server: Server
let sink: SharedSink
let failures: string[]
/** Readers that have come. */
let come: number

beforeEach(async () => {
  sink = new SharedSink(5000, GRACE_MS)
  failures = []
  come = 0
  const join = (res: ServerResponse) => {
    come++
    return sink.join(res).catch((error: AppError) => {
      failures.push(error.code)
      res.writeHead(error.status).end()
    })
  }
  server = createServer((_req, res) => void join(res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const untilCome = (readers: number) => expect.poll(() => come, { interval: 5 }).toBe(readers)

const reader = (): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, resolve).on('error', reject)
  })

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

it('gives all readers everything, whenever they come', async () => {
  const first = reader()
  await untilCome(1)
  sink.writeHead(200, { 'x-id': '1' })
  await sink.write(Buffer.from('a'))
  const second = reader()
  await untilCome(2)
  await sink.write(Buffer.from('b'))
  sink.end(Buffer.from('c'))
  for (const response of await Promise.all([first, second])) {
    expect(response.headers['x-id']).toBe('1')
    expect(await textOf(response)).toBe('abc')
  }
  expect(sink.signal.aborted).toBe(false)
})

it('stops the answer when nobody has come back for a while', async () => {
  const response = await startOne()
  response.destroy()
  await expect(writeMany(64)).rejects.toThrow('the client left')
  expect(sink.signal.aborted).toBe(true)
  expect(sink.canJoin).toBe(false)
})

it('goes on for one who comes back in time, from the first byte', async () => {
  // Long beside what a busy machine takes to come back.
  const graceMs = 1000
  sink = new SharedSink(5000, graceMs)
  const response = await startOne()
  response.destroy()
  await sleep(graceMs / 10)
  const again = reader()
  await sleep(graceMs * 1.5)
  expect(sink.signal.aborted).toBe(false)
  await sink.write(Buffer.from('b'))
  sink.end(Buffer.alloc(0))
  expect(await textOf(await again)).toBe('ab')
})

it('goes as fast as its fastest reader, and holds back when none takes anything', async () => {
  const slow = await startOne()
  slow.pause()
  const stuck = writeMany(64).then(() => 'written')
  expect(await Promise.race([stuck, sleep(300).then(() => 'held back')])).toBe('held back')
  slow.resume()
  expect(await stuck).toBe('written')
})

it('forgets what all have when the answer is long, and takes no more readers', async () => {
  const response = await startOne()
  response.resume()
  await writeMany(20)
  expect(sink.canJoin).toBe(false)
  sink.end(Buffer.from('end'))
})

it('tells every reader of a failure before the first byte', async () => {
  const readers = [reader(), reader()]
  await untilCome(2)
  sink.fail(new AppError({ code: 'engine_failed', message: 'no', status: 502 }))
  expect((await Promise.all(readers)).map(({ statusCode }) => statusCode)).toEqual([502, 502])
  expect(failures).toEqual(['engine_failed', 'engine_failed'])
})

async function startOne(): Promise<IncomingMessage> {
  const response = reader()
  await untilCome(1)
  sink.writeHead(200, {})
  await sink.write(Buffer.from('a'))
  return response
}

async function writeMany(mebibytes = 1): Promise<void> {
  for (let i = 0; i < mebibytes; i++) await sink.write(Buffer.alloc(MIB))
}
