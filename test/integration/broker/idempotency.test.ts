import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

const keyed = (key: string) => ({ 'idempotency-key': key })

it('a retry joins the running stream from its first byte, and the answer is charged once', async () => {
  bench.scripted.delayMs = 20
  const before = { owed: await bench.owed(), requests: bench.scripted.requests.length }
  const body = bench.chat({ stream: true, max_tokens: 30 })
  const first = bench.post(body, keyed('join'))
  await sleep(200)
  const second = bench.post(body, keyed('join'))
  await sleep(200)
  const answers = await Promise.all([first, second, bench.post(body, keyed('join'))])
  bench.scripted.delayMs = 0
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers[0].text).toMatch(/t29 .*\[DONE\]\n\n$/s)
  expect(new Set(answers.map(({ headers }) => headers.get('zg-res-key'))).size).toBe(1)
  expect(bench.scripted.requests.length).toBe(before.requests + 1)
  expect((await bench.owed()) - before.owed).toBe(10n * 10n ** 9n + 30n * 4n * 10n ** 9n)
})

it('two that come at the same moment are one', async () => {
  // Long enough for the last of them to arrive while it runs.
  bench.scripted.delayMs = 50
  const before = bench.scripted.requests.length
  const body = bench.chat({ stream: true, max_tokens: 60 })
  const answers = await Promise.all(Array.from({ length: 8 }, () => bench.post(body, keyed('same'))))
  bench.scripted.delayMs = 0
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(bench.scripted.requests.length).toBe(before + 1)
})

it('a client that lost its connection comes back to the same answer', async () => {
  bench.scripted.delayMs = 20
  const before = { aborted: bench.scripted.aborted, requests: bench.scripted.requests.length }
  const body = bench.chat({ stream: true, max_tokens: 40 })
  const controller = new AbortController()
  const headers = { authorization: `Bearer ${bench.token}`, ...keyed('lost') }
  const response = await fetch(bench.broker.url + CHAT, {
    method: 'POST',
    headers,
    body,
    signal: controller.signal,
  })
  await response.body!.getReader().read()
  controller.abort()
  await sleep(100)
  const answer = await bench.post(body, keyed('lost'))
  bench.scripted.delayMs = 0
  expect(answer.text).toMatch(/"t0 ".*t39 .*\[DONE\]\n\n$/s)
  expect(bench.scripted.requests.length).toBe(before.requests + 1)
  expect(bench.scripted.aborted).toBe(before.aborted)
})

it('later the key gets 409 with the receipt, from the ledger and so after a restart too', async () => {
  const answered = await bench.post(bench.chat(), keyed('later'))
  const owed = await bench.owed()
  const again = await bench.post(bench.chat(), keyed('later'))
  expect(again).toMatchObject({
    status: 409,
    code: 'idempotency_key_done',
    error: { details: { receipt: answered.headers.get('zg-res-key') } },
  })
  expect(await bench.owed()).toBe(owed)
})

it('another body under the same key is 422, while the first runs and after', async () => {
  bench.scripted.delayMs = 20
  const before = bench.scripted.requests.length
  const running = bench.post(bench.chat({ stream: true, max_tokens: 10 }), keyed('body'))
  await sleep(100)
  expect(await bench.post(bench.chat(), keyed('body'))).toMatchObject({
    status: 422,
    code: 'idempotency_key_reused',
  })
  await running
  bench.scripted.delayMs = 0
  expect(await bench.post(bench.chat(), keyed('body'))).toMatchObject({
    status: 422,
    code: 'idempotency_key_reused',
  })
  expect(bench.scripted.requests.length).toBe(before + 1)
})

it('a failure reaches everybody, costs nothing, and leaves the key free', async () => {
  const before = await bench.owed()
  const body = bench.chat({ model: 'fails' })
  const answers = await Promise.all([bench.post(body, keyed('fails')), bench.post(body, keyed('fails'))])
  expect(answers.map(({ code }) => code)).toEqual(['engine_failed', 'engine_failed'])
  expect(await bench.owed()).toBe(before)
  expect((await bench.post(bench.chat(), keyed('fails'))).status).toBe(200)
})

it('a key that is no key is refused', async () => {
  expect(await bench.post(bench.chat(), keyed('x'.repeat(256)))).toMatchObject({
    status: 400,
    code: 'header_invalid',
  })
})
