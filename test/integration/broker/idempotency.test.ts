import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

const keyed = (key: string) => ({ 'idempotency-key': key })

/** An answer that has begun, and goes on until `finish`: with so many tokens it is not over before. */
const TOKENS = 1000
const long = () => bench.chat({ stream: true, max_tokens: TOKENS })
const begin = (body: string, key: string, signal?: AbortSignal) =>
  fetch(bench.broker.url + CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${bench.token}`, ...keyed(key) },
    body,
    ...(signal && { signal }),
  })

/** Lets answers that have begun come to their ends at once. */
function finish(answers: readonly Response[]): Promise<string[]> {
  bench.scripted.delayMs = 0
  return Promise.all(answers.map((answer) => answer.text()))
}

it('a retry joins the running stream from its first byte, and the answer is charged once', async () => {
  bench.scripted.delayMs = 20
  const before = { owed: await bench.owed(), requests: bench.scripted.requests.length }
  const body = long()
  const answers: Response[] = []
  for (let i = 0; i < 3; i++) answers.push(await begin(body, 'join'))
  const texts = await finish(answers)
  expect(new Set(texts).size).toBe(1)
  expect(texts[0]).toMatch(/"t0 ".*t999 .*\[DONE\]\n\n$/s)
  expect(new Set(answers.map(({ headers }) => headers.get('zg-res-key'))).size).toBe(1)
  expect(bench.scripted.requests.length).toBe(before.requests + 1)
  expect((await bench.owed()) - before.owed).toBe(10n * 10n ** 9n + BigInt(TOKENS) * 4n * 10n ** 9n)
})

it('two that come at the same moment are one', async () => {
  bench.scripted.delayMs = 20
  const before = bench.scripted.requests.length
  const body = long()
  const answers = await Promise.all(Array.from({ length: 8 }, () => begin(body, 'same')))
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
  expect(new Set(await finish(answers)).size).toBe(1)
  expect(bench.scripted.requests.length).toBe(before + 1)
})

it('a client that lost its connection comes back to the same answer', async () => {
  bench.scripted.delayMs = 20
  const before = { aborted: bench.scripted.aborted, requests: bench.scripted.requests.length }
  const body = long()
  const controller = new AbortController()
  const response = await begin(body, 'lost', controller.signal)
  await response.body!.getReader().read()
  controller.abort()
  await sleep(100)
  const answer = await begin(body, 'lost')
  const [text] = await finish([answer])
  expect(text).toMatch(/"t0 ".*t999 .*\[DONE\]\n\n$/s)
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
  const running = await begin(long(), 'body')
  expect(await bench.post(bench.chat(), keyed('body'))).toMatchObject({
    status: 422,
    code: 'idempotency_key_reused',
  })
  await finish([running])
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
