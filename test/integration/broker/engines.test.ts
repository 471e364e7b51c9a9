import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { startEngine } from '../../../src/cli/provider/startEngine.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { PooledEngine } from '../../../src/provider/engine/pooledEngine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { CHAT } from '../../support/brokerBench.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

let world: World
let first: ScriptedEngine
let second: ScriptedEngine
let pool: PooledEngine
let broker: Broker
let token: string

beforeAll(async () => {
  ;[world, first, second] = await Promise.all([
    startWorld(),
    startScriptedEngine(0, ['steady', 'no-usage']),
    startScriptedEngine(0, ['steady', 'dies']),
  ])
  pool = new PooledEngine(
    await Promise.all([first, second].map(({ target }) => attachUrlEngine({ target, logger: silentLogger }))),
  )
  broker = await world.startBroker(pool)
  await world.fund(world.user)
  token = await tokenOf(world.user, broker.provider)
})

afterAll(async () => {
  await world?.stop()
  await pool?.stop()
  await first?.stop()
  await second?.stop()
})

function ask(model: string, change: object = {}): Promise<Response> {
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 4,
    ...change,
  })
  return fetch(broker.url + CHAT, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body })
}

const counts = () => [first.requests.length, second.requests.length]

describe('several engines behind one broker', () => {
  it('are what a configuration lists, beside its first; one that fails starts none', async () => {
    const url = ({ target }: ScriptedEngine) => ({ kind: 'url', target })
    const started = await startEngine({ engine: url(first), engines: [url(second)] }, silentLogger)
    expect([started.kind, started.models.length]).toEqual(['pool', 3])
    await started.stop()
    const alone = await startEngine({ engine: {}, engines: [url(second)] }, silentLogger)
    expect(alone.models.map(({ id }) => id)).toEqual(['steady', 'dies'])
    await alone.stop()
    const gone = { kind: 'url', target: 'http://127.0.0.1:9/v1' }
    await expect(startEngine({ engines: [url(first), gone] }, silentLogger)).rejects.toMatchObject({
      code: 'engine_unreachable',
    })
  })

  it('list the models of all, each once', async () => {
    const { data } = await (await fetch(`${broker.url}/v1/models`)).json()
    expect(data.map(({ id }: { id: string }) => id)).toEqual(['steady', 'no-usage', 'dies'])
  })

  it('share a model: each request goes where the fewest are in flight', async () => {
    first.delayMs = second.delayMs = 50
    const running = []
    for (let i = 0; i < 6; i++) running.push(await ask('steady', { stream: true, max_tokens: 1000 }))
    expect(counts()).toEqual([3, 3])
    first.delayMs = second.delayMs = 0
    await Promise.all(running.map((response) => response.text()))
    await (await ask('steady')).text()
    expect(counts()).toEqual([4, 3])
  })

  it('are asked for what they serve only', async () => {
    const before = counts()
    for (let i = 0; i < 3; i++) expect((await ask('no-usage', { stream: true })).status).toBe(200)
    expect(counts()).toEqual([before[0]! + 3, before[1]])
  })

  it('take over at once from one that is gone, which gets nothing from then on', async () => {
    const before = counts()
    await first.stop()
    // Before the pool has looked at it twice.
    const alone = await ask('no-usage')
    expect([alone.status, (await alone.json()).error.code]).toEqual([502, 'engine_unreachable'])
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await ask('steady')).status)
    expect(statuses).toEqual([200, 200, 200, 200])
    expect(counts()).toEqual([before[0], before[1]! + 4])
    expect((await fetch(`${broker.url}/readyz`)).status).toBe(200)
  })

  it('refuse a model whose engines all restart, and serve the others', async () => {
    while (pool.lease('no-usage', new Set())) await sleep(100)
    const refused = await ask('no-usage')
    expect([refused.status, (await refused.json()).error.code]).toEqual([503, 'engine_restarting'])
    expect((await ask('steady')).status).toBe(200)
  }, 120_000)
})
