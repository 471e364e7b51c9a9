import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G, parse0G } from '../../../src/base/units.ts'
import { findService } from '../../../src/chain/inference.ts'
import { dollarsPerToken, inNeuron } from '../../../src/provider/prices/dollars.ts'
import { RateFeed } from '../../../src/provider/prices/rateFeed.ts'
import { type Bench, startBench } from '../../support/brokerBench.ts'

const MAX_AGE_MS = 600_000

let bench: Bench
let server: Server
let feed: RateFeed
let answer: string
let ageMs = 0

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const startFeed = (field = 'data.0.usd') =>
  RateFeed.start({
    url: url(),
    field,
    refreshMs: 3_600_000,
    maxAgeMs: MAX_AGE_MS,
    maxStepPercent: 20,
    log: silentLogger,
    now: () => Date.now() + ageMs,
  })

const say = (usd: unknown) => {
  answer = JSON.stringify({ data: [{ usd }] })
}

beforeAll(async () => {
  server = createServer((_req, res) => void res.end(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  say('0.5')
  feed = await startFeed()
  const dollars = { input: parse0G('0.1'), output: parse0G('0.4') }
  bench = await startBench({ prices: { input: 0n, output: 0n, dollars }, rateFeed: feed })
})

afterAll(async () => {
  feed?.stop()
  await bench?.stop()
  server?.close()
})

const model = async () => (await (await fetch(`${bench.broker.url}/v1/models`)).json()).data[0]

/** Prices of the newest receipt. */
async function charged() {
  const { status } = await bench.post(bench.chat())
  expect(status).toBe(200)
  const { receipts } = (await bench.receipts()) as unknown as { receipts: { detail: string }[] }
  return JSON.parse(receipts.at(-1)!.detail).prices
}

describe('prices in dollars', () => {
  it('are stated in dollars, with the rate, and in neuron, in which they are charged', async () => {
    expect(await model()).toMatchObject({
      pricing: { prompt: '200000000000', completion: '800000000000' },
      pricing_usd: { prompt: '0.0000001', completion: '0.0000004', usd_per_0g: '0.5' },
    })
    expect(await charged()).toEqual({ input: '200000000000', output: '800000000000' })
  })

  it('follow the feed, and so does the chain beyond one percent', async () => {
    const onChain = async () => (await findService(bench.world.inference, bench.broker.provider))!.inputPrice
    expect(await onChain()).toBe(200_000_000_000n)
    say(0.502)
    await feed.read()
    expect((await charged()).input).toBe(inNeuron(parse0G('0.1'), parse0G('0.502')).toString())
    expect(await onChain()).toBe(200_000_000_000n)
    say(0.4)
    await expect(feed.read()).rejects.toMatchObject({ code: 'rate_unavailable' })
    say('0.42')
    await feed.read()
    expect((await charged()).input).toBe('238095238096')
    await expect.poll(onChain).toBe(238_095_238_096n)
  })

  it.each([
    ['a jump', () => say('0.6')],
    ['no price', () => say(undefined)],
    ['a price of nothing', () => say(0)],
    ['a price below nothing', () => say('-1')],
    ['no JSON', () => (answer = '<html>')],
    ['too much', () => (answer = ' '.repeat(2 ** 20 + 1))],
  ])('do not move by %s', async (_name, change) => {
    change()
    await expect(feed.read()).rejects.toMatchObject({ code: 'rate_unavailable' })
    expect(feed.rate()).toBe(parse0G('0.42'))
  })

  it('sell nothing by a rate that is too old, and again by a new one', async () => {
    const before = bench.scripted.requests.length
    ageMs = MAX_AGE_MS + 1000
    const refused = await bench.post(bench.chat())
    expect([refused.status, refused.code]).toEqual([503, 'rate_stale'])
    expect((await fetch(`${bench.broker.url}/v1/models`)).status).toBe(503)
    expect(bench.scripted.requests).toHaveLength(before)
    say('0.42')
    await feed.read()
    expect((await bench.post(bench.chat())).status).toBe(200)
  })

  it('do not start without a feed', async () => {
    await expect(startFeed('data.1.usd')).rejects.toMatchObject({ code: 'rate_unavailable' })
  })
})

it('dollars are exact, and never rounded down in neuron', () => {
  expect(inNeuron(parse0G('0.1'), ONE_0G)).toBe(100_000_000_000n)
  expect(inNeuron(1n, ONE_0G)).toBe(1n)
  expect(dollarsPerToken(1n)).toBe('0.000000000000000000000001')
  expect(dollarsPerToken(parse0G('2000000'))).toBe('2')
})
