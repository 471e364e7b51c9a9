import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

/** A request as bytes. */
function chat(fields: object): string {
  const body = bench.chat(fields)
  const head = [`POST ${CHAT} HTTP/1.1`, 'host: x', `authorization: Bearer ${bench.token}`]
  return `${[...head, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`
}

const HEALTH = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'
const LAST = 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'

/** Requests that follow each other on one connection. */
function pipelined(...requests: string[]): Socket {
  const socket = connect(bench.broker.port, '127.0.0.1').on('error', () => {})
  socket.write(requests.join(''))
  return socket
}

const running = async () => (await bench.broker.control.status()).running

it('requests that did not wait for each other are answered in their order', async () => {
  const answers = await text(pipelined(chat({ stream: true }), HEALTH, chat({}), LAST))
  expect(answers.match(/text\/event-stream|"status":"ok"|"message"/g)).toEqual([
    'text/event-stream',
    '"status":"ok"',
    '"message"',
    '"status":"ok"',
  ])
})

it('a client that leaves before its first answer holds no place with those behind it', async () => {
  const asked = bench.scripted.requests.length
  const socket = pipelined(chat({ model: 'silent' }), chat({}), chat({ model: 'silent' }))
  await expect.poll(() => bench.scripted.requests.length).toBeGreaterThan(asked)
  // The broker answers another request in between: it has had time to read them all.
  expect((await bench.post(bench.chat())).status).toBe(200)
  await expect.poll(running).toBe(1)
  socket.destroy()
  await expect.poll(running).toBe(0)
})

it('a client that sends more than it will ever be answered is cut off', async () => {
  const socket = pipelined(chat({ model: 'silent' }), HEALTH.repeat(1000))
  await new Promise((closed) => socket.once('close', closed))
  await expect.poll(running).toBe(0)
})
