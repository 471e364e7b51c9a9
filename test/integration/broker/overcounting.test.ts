import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LogFields, silentLogger } from '../../../src/base/log.ts'
import type { Counts } from '../../../src/protocol/pricing.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { PRICES as TOKENS } from '../../support/world.ts'
import { clientOf } from '../client/clientOf.ts'

const PRICES = { ...TOKENS, cachedInput: 10n ** 8n }
const COMPLETIONS = '/v1/proxy/completions'
const EMBEDDINGS = '/v1/proxy/embeddings'
const MESSAGES = '/v1/proxy/messages'

let bench: Bench
const warnings: { event: string; fields: LogFields | undefined }[] = []

beforeAll(async () => {
  const warn = (event: string, fields?: LogFields) => void warnings.push({ event, fields })
  bench = await startBench({ prices: PRICES, log: { ...silentLogger, warn } })
})

beforeEach(() => {
  warnings.length = 0
})

afterAll(() => bench?.stop())

interface Stored {
  readonly receipt: { readonly fee: string }
  readonly detail: string
}

async function newest(): Promise<{ fee: bigint; counts: Counts; status: string }> {
  const { receipts } = (await bench.receipts()) as unknown as { receipts: Stored[] }
  const { receipt, detail } = receipts.at(-1)!
  return { fee: BigInt(receipt.fee), ...JSON.parse(detail) }
}

const exaggerated = (fields: object): string =>
  bench.chat({ model: 'exaggerates', max_tokens: undefined, ...fields })

/** What is charged of an engine's billions: the bound of the prompt, and so many tokens out. */
describe('an engine that counts a billion times too much is believed what was set aside, and what came', () => {
  it.each([
    ['as many as were asked for', CHAT, { max_tokens: 4 }, 4],
    ['of a stream too', CHAT, { max_tokens: 4, stream: true }, 4],
    ['one for each byte that came, and a few that do not show', CHAT, {}, 8 * 4 + 16],
    ['of several answers', CHAT, { max_tokens: 20, n: 2 }, 40],
    ['for each of several prompts', COMPLETIONS, { prompt: ['a', 'b', 'c'], max_tokens: 4 }, 12],
    ['none of an embedding', EMBEDDINGS, { input: 'hi' }, 0],
    ['of messages', MESSAGES, { max_tokens: 4 }, 4],
    ['of a stream of messages', MESSAGES, { max_tokens: 4, stream: true }, 4],
  ])('%s', async (_name, path, fields, output) => {
    const body = exaggerated(fields)
    expect((await bench.post(body, {}, path)).status).toBe(200)
    const { counts, fee, status } = await newest()
    expect(status).toBe('complete')
    expect((counts.input ?? 0) + (counts.cachedInput ?? 0)).toBe(body.length + 64)
    expect(counts.output).toBe(output)
    expect(fee).toBeLessThanOrEqual(BigInt(body.length + 64) * PRICES.input + BigInt(output) * PRICES.output)
    expect(warnings).toEqual([
      {
        event: 'engine_overcounted',
        fields: {
          id: expect.stringMatching(/^[0-9a-f]{32}$/),
          model: 'exaggerates',
          promptNotCharged: 10e9 - body.length - 64,
          outputNotCharged: expect.any(Number),
        },
      },
    ])
  })

  it('also for what came of an answer that was left', async () => {
    const body = exaggerated({ max_tokens: 1000, stream: true })
    const before = (await bench.receipts()).receipts.length
    bench.scripted.delayMs = 20
    const client = new AbortController()
    const answer = await fetch(bench.broker.url + MESSAGES, {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.token}` },
      body,
      signal: client.signal,
    })
    let text = ''
    for await (const chunk of answer.body!) {
      text += Buffer.from(chunk).toString()
      if (text.includes('t2 ')) break
    }
    client.abort()
    await expect.poll(async () => (await bench.receipts()).receipts.length).toBe(before + 1)
    bench.scripted.delayMs = 0
    const { counts, status } = await newest()
    expect(status).toBe('partial')
    expect((counts.input ?? 0) + (counts.cachedInput ?? 0)).toBe(body.length + 64)
    expect(counts.output).toBeLessThanOrEqual(1000)
  })

  it('and its clients accept what they are charged', async () => {
    const compute = await clientOf(bench.world, bench.world.user)
    try {
      for (const maxTokens of [4, 400]) {
        const messages = [{ role: 'user' as const, content: 'hi' }]
        const answer = await compute.infer({ messages, model: 'exaggerates', maxTokens })
        expect(answer.verdict.steps.filter(({ result }) => result === 'fail')).toEqual([])
        expect(answer.verdict.outcome).toBe('accepted')
        expect(warnings.at(-1)?.event).toBe('engine_overcounted')
      }
    } finally {
      await compute.close()
    }
  })

  it('which is counted for its operator', async () => {
    await bench.post(exaggerated({ max_tokens: 4 }))
    const events = /^broker_events_total\{event="engine_overcounted",level="warn".*\} ([1-9]\d*)$/m
    expect(await bench.broker.control.metrics.text()).toMatch(events)
  })
})

it('an engine that counts right is not warned of', async () => {
  for (const fields of [{}, { stream: true }, { max_tokens: 1 }]) await bench.post(bench.chat(fields))
  await bench.post(bench.chat(), {}, MESSAGES)
  expect(warnings).toEqual([])
})
