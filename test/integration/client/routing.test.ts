import type { HDNodeWallet } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ONE_0G } from '../../../src/base/units.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import type { PurchaseHooks } from '../../../src/client/purchase/purchase.ts'
import { approval, clientOf } from './clientOf.ts'
import { type Market, startMarket } from './market.ts'

let market: Market

beforeAll(async () => {
  // The second is the cheapest, the third the dearest.
  market = await startMarket([100, 90, 120])
})

afterEach(() => {
  for (const way of market.ways) Object.assign(way, { delayMs: 0, fault: null, asked: 0 })
})

afterAll(() => market?.stop())

let count = 0
const question = () => ({
  model: 'steady',
  maxTokens: 2,
  messages: [{ role: 'user' as const, content: `question ${count++}` }],
})

/** A clock that is right when a request begins, and then counts what the ways take: not what a busy machine takes. */
function clockOfWays() {
  const delayed = () => market.ways.reduce((sum, way) => sum + way.delayed, 0)
  let [setAt, delayedThen] = [Date.now(), delayed()]
  return {
    now: () => setAt + delayed() - delayedThen,
    set: () => {
      ;[setAt, delayedThen] = [Date.now(), delayed()]
    },
  }
}

const asked = () => market.ways.map((way) => way.asked)

describe('among three providers', () => {
  it('asks the cheapest, or whom the lists leave', async () => {
    const client = await market.client(5)
    const [first, second, third] = market.brokers.map(({ provider }) => provider)
    const ask = async (preferences: object) => (await client.infer({ ...question(), preferences })).provider
    expect(await ask({})).toBe(second)
    expect(await ask({ deny: [second] })).toBe(first)
    expect(await ask({ allow: [third] })).toBe(third)
    expect(await ask({ maxPrice: 10n ** 10n })).toBe(second)
    await expect(ask({ maxPrice: 1n })).rejects.toMatchObject({ code: 'no_suitable_provider' })
  })

  it('asks the fastest 95 times of 100 once it knows them, and moves when that one slows', async () => {
    const clock = clockOfWays()
    const client = await market.client(6, { ...nodeRuntime(), now: clock.now })
    const ask = () => {
      clock.set()
      return client.infer({ ...question(), preferences: { sort: 'latency' } })
    }
    for (const [i, delayMs] of [10, 80, 200].entries()) market.ways[i]!.delayMs = delayMs
    // Each is looked at a few times before it is known who is fast.
    for (let i = 0; i < 10; i++) await ask()
    for (const way of market.ways) way.asked = 0
    for (let i = 0; i < 100; i++) await ask()
    expect(asked().reduce((sum, each) => sum + each)).toBe(100)
    expect(asked()[0]).toBeGreaterThanOrEqual(95)

    market.ways[0]!.delayMs = 300
    for (const way of market.ways) way.asked = 0
    for (let i = 0; i < 20; i++) await ask()
    expect(asked()[1]).toBeGreaterThanOrEqual(15)
  }, 120_000)

  it('asks nobody only to see how fast it is where what lies there does not cover the question', async () => {
    const client = await clientOf(market.world, market.world.anvil.wallets[4] as HDNodeWallet)
    const [first, ...others] = market.brokers
    await client.ensureFunds(first!.provider, ONE_0G, approval().hooks)
    // Too little is next to nothing, or where less than a whole 0G cannot be transferred, nothing.
    const { transfer } = await client.minimums()
    if (transfer <= 1n)
      for (const { provider } of others) await client.ensureFunds(provider, 1n, approval().hooks)
    // So slow that the first comes first on a busy machine too.
    for (const way of market.ways.slice(1)) way.delayMs = 1500
    const { sent, hooks } = approval()
    for (let i = 0; i < 4; i++) await client.infer({ ...question(), preferences: { sort: 'latency' } }, hooks)
    expect([sent, asked()]).toEqual([[], [4, 0, 0]])
    await client.close()
  })

  it.each(['refuse', 'cut'] as const)(
    'asks another when one fails before its first text: %s',
    async (fault) => {
      const client = await market.client(7)
      market.ways[1]!.fault = fault
      const failed: unknown[] = []
      const hooks: PurchaseHooks = {
        onFailover: ({ service }, _error, next) =>
          void failed.push([service.provider, next?.service.provider]),
      }
      const answer = await client.infer(question(), hooks)
      expect(answer.provider).toBe(market.brokers[0]!.provider)
      expect(answer.verdict.outcome).toBe('accepted')
      expect(failed).toEqual([[market.brokers[1]!.provider, market.brokers[0]!.provider]])
      // The one that failed rests: the next request does not go there first.
      await client.infer(question(), hooks)
      expect(market.ways[1]!.asked).toBe(1)
      expect((await client.audit()).difference).toBe(0n)
    },
  )

  it('does not ask another when the provider was named', async () => {
    const client = await market.client(8)
    market.ways[1]!.fault = 'refuse'
    const { provider } = market.brokers[1]!
    const next: unknown[] = []
    const hooks: PurchaseHooks = { onFailover: (_offer, _error, offer) => void next.push(offer) }
    await expect(client.infer({ ...question(), provider }, hooks)).rejects.toMatchObject({ status: 503 })
    expect([asked(), next]).toEqual([[0, 1, 0], [null]])
  })

  it('stays with the provider of a conversation', async () => {
    const client = await market.client(9)
    const begin = question()
    const first = await client.infer({ ...begin, preferences: { deny: [market.brokers[1]!.provider] } })
    const next = [
      ...begin.messages,
      { role: 'assistant' as const, content: first.text },
      ...question().messages,
    ]
    expect((await client.infer({ ...begin, messages: next })).provider).toBe(first.provider)
    expect((await client.infer(question())).provider).toBe(market.brokers[1]!.provider)
  })
})
