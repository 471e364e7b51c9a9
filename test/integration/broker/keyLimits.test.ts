import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SessionClaims } from '../../../src/protocol/sessionToken.ts'
import { type Bench, startBench } from '../../support/brokerBench.ts'
import { tokenOf } from '../../support/world.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

const LIMIT = 10n ** 12n

let keys = 0
const keyOf = (change: Partial<SessionClaims> = {}) => {
  const { world, broker } = bench
  return tokenOf(world.user, broker.provider, {
    ...{ tokenId: 1, expiresAt: 0, nonce: `${keys++}` },
    ...{ chainId: world.network.chainId, contract: world.network.inference },
    ...{ limit: `${LIMIT}`, limitPer: 'total' },
    ...change,
  })
}

const ask = (key: string, change = {}, headers = {}) =>
  bench.post(bench.chat(change), { authorization: `Bearer ${key}`, ...headers })

const spentBy = async (key: string, url = bench.broker.url) => {
  const response = await fetch(`${url}/v1/user/${bench.world.user.address}/keys`, {
    headers: { authorization: `Bearer ${key}` },
  })
  return (await response.json()).keys as { id: string; spent: string; renewsAt: string | null }[]
}

describe('a key with a spending limit', () => {
  it('is served up to it, and then refused with exactly what is left; other keys are not', async () => {
    const key = await keyOf()
    let spent = 0n
    for (;;) {
      const { fee, refusal } = await pay(key)
      if (refusal) {
        expect(refusal).toMatchObject({
          status: 402,
          code: 'key_limit_reached',
          error: {
            type: 'insufficient_quota',
            details: { limit: `${LIMIT}`, per: 'total', remaining: `${LIMIT - spent}`, renewsAt: null },
          },
        })
        expect(BigInt(refusal.error!.details.needed!)).toBeGreaterThan(LIMIT - spent)
        break
      }
      spent += fee
    }
    expect(spent).toBeGreaterThan(LIMIT / 2n)
    expect((await spentBy(key)).map((one) => one.spent)).toEqual([`${spent}`])
    expect((await ask(bench.token)).status).toBe(200)
    expect((await ask(await keyOf())).status).toBe(200)
  })

  it('sets aside what running requests may cost, so that many at once stay within it', async () => {
    const key = await keyOf({ limitPer: 'day' })
    bench.scripted.delayMs = 50
    const before = bench.scripted.requests.length
    let refusals = 0
    const asked = Array.from({ length: 20 }, async () => {
      const reply = await ask(key, { stream: true, max_tokens: 40 })
      if (reply.status === 402) refusals++
      return reply
    })
    // The first to be served end only when the last has been decided.
    await expect.poll(() => refusals + bench.scripted.requests.length - before).toBe(20)
    bench.scripted.delayMs = 0
    const replies = await Promise.all(asked)
    const codes = replies.map(({ status, code }) => code ?? status)
    expect(new Set(codes)).toEqual(new Set([200, 'key_limit_reached']))
    const refused = replies.find(({ status }) => status === 402)!
    const midnight = Date.parse(refused.error!.details.renewsAt!)
    expect(midnight % 86_400_000).toBe(0)
    expect(midnight).toBeGreaterThan(Date.now())
    const listed = (await spentBy(key)).find(({ renewsAt }) => renewsAt !== null)!
    expect(BigInt(listed.spent)).toBeLessThanOrEqual(LIMIT)
    expect(Date.parse(listed.renewsAt!)).toBe(midnight)
    // What was set aside is free again.
    expect((await ask(key)).status).toBe(200)
  })

  it('gets as many tokens as it pays for, where the caller takes fewer', async () => {
    const key = await keyOf()
    const capped = await ask(key, { max_tokens: 2000 }, { 'zg-cap-output': 'balance' })
    expect(capped.status).toBe(200)
    expect(Number(capped.headers.get('zg-capped-to'))).toBeLessThan(2000)
    expect(BigInt((await spentBy(key)).at(-1)!.spent)).toBeLessThanOrEqual(LIMIT)
  })

  it('whose limit somebody changed is not signed by its owner', async () => {
    const message = Buffer.from((await keyOf()).slice(7), 'base64').toString()
    const raised = message.replace(`"limit":"${LIMIT}"`, `"limit":"${LIMIT}0"`)
    expect((await ask(`app-sk-${Buffer.from(raised).toString('base64')}`)).code).toBe(
      'token_signature_invalid',
    )
    const without = message.replace(`,"limit":"${LIMIT}","limitPer":"total"`, '')
    expect((await ask(`app-sk-${Buffer.from(without).toString('base64')}`)).code).toBe(
      'token_signature_invalid',
    )
  })

  it('has not spent less after the broker starts again', async () => {
    const key = await keyOf()
    await pay(key)
    const before = await spentBy(key)
    await bench.broker.stop({ graceMs: 0 })
    const again = await bench.world.startBroker(bench.engine)
    expect(await spentBy(key, again.url)).toEqual(before)
  })
})

async function pay(key: string) {
  const before = await bench.owed()
  const reply = await ask(key)
  const fee = (await bench.owed()) - before
  return { fee, refusal: reply.status === 200 ? null : reply }
}
