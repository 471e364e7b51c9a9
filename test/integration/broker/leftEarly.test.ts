import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { jsonLogger } from '../../../src/base/log.ts'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { tokenOf } from '../../support/world.ts'

const TOKENS_A_MINUTE = 5000

let bench: Bench
const lines: string[] = []

beforeAll(async () => {
  bench = await startBench({
    limits: { ...DEFAULT_LIMITS, user: { ...DEFAULT_LIMITS.user, tokensPerMinute: TOKENS_A_MINUTE } },
    log: jsonLogger((line) => void lines.push(line)),
  })
})

beforeEach(() => {
  lines.length = 0
})

afterAll(() => bench?.stop())

async function left(): Promise<number> {
  const metrics = await bench.broker.control.metrics.text()
  return Number(/^broker_requests_rejected_total\{reason="client_left".*\} (\d+)$/m.exec(metrics)?.[1] ?? 0)
}

/** Asks an engine that never answers, and leaves as soon as that has the request. */
async function leaveEarly(token: string, fields: object): Promise<void> {
  const [asked, before] = [bench.scripted.requests.length, await left()]
  const client = new AbortController()
  const answer = fetch(bench.broker.url + CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: bench.chat({ model: 'silent', ...fields }),
    signal: client.signal,
  })
  await expect.poll(() => bench.scripted.requests.length, { timeout: 20_000 }).toBe(asked + 1)
  client.abort()
  await expect(answer).rejects.toThrow()
  await expect.poll(left, { timeout: 20_000 }).toBe(before + 1)
}

it.each([false, true])(
  'whoever leaves before the first byte pays nothing, and is no fault of the broker: streamed %s',
  async (stream) => {
    const before = await bench.owed()
    await leaveEarly(bench.token, { stream })
    expect(await bench.owed()).toBe(before)
    expect(lines).toEqual([])
    await expect.poll(() => bench.scripted.aborted, { timeout: 20_000 }).toBeGreaterThan(0)
  },
)

it('its prompt counts towards its tokens a minute', async () => {
  const user = bench.world.anvil.wallets[6]!
  await bench.world.fund(user)
  const token = await tokenOf(user, bench.broker.provider)
  const ask = () => bench.post(bench.chat(), { authorization: `Bearer ${token}` })
  expect((await ask()).status).toBe(200)
  const messages = [{ role: 'user', content: 'x'.repeat(2 * TOKENS_A_MINUTE) }]
  await leaveEarly(token, { messages })
  expect(await ask()).toMatchObject({ status: 429, code: 'tpm_limit' })
  expect((await bench.post(bench.chat())).status).toBe(200)
})
