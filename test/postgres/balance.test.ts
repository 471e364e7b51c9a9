import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { CHAT } from '../support/brokerBench.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { PRICES, startWorld, tokenOf, type World } from '../support/world.ts'

let postgres: Postgres
let world: World
let scripted: ScriptedEngine
let engine: Engine
let replicas: Broker[]
let database: string

beforeAll(async () => {
  ;[postgres, world, scripted] = await Promise.all([
    startPostgres(),
    startWorld('ours'),
    startScriptedEngine(),
  ])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  database = await postgres.create('balance')
  const start = (name: string) =>
    world.startBroker(engine, { database, dataDir: join(world.dir, name), publicUrl: 'http://127.0.0.1:1' })
  replicas = [await start('one'), await start('two')]
}, 300_000)

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  await postgres?.stop()
})

it('an account that can pay for one answer gets one, however many replicas are asked at once', async () => {
  const wallet = world.anvil.wallets[4] as HDNodeWallet
  const body = JSON.stringify({
    model: 'steady',
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 300,
  })
  const most = BigInt(body.length + 200) * PRICES.input + 300n * PRICES.output
  const fee = 10n * PRICES.input + 300n * PRICES.output
  const rounds = 3n
  await world.fund(wallet, (rounds - 1n) * fee + most)
  const authorization = `Bearer ${await tokenOf(wallet, world.provider.address)}`
  const ask = async ({ port }: Broker) => {
    const url = `http://127.0.0.1:${port}${CHAT}`
    const answer = await fetch(url, { method: 'POST', headers: { authorization }, body })
    const text = await answer.text()
    return answer.status === 200 ? 200 : JSON.parse(text).error.code
  }
  const idle = () =>
    expect.poll(() => postgres.query(database, 'SELECT * FROM places WHERE running > 0')).toEqual([])
  // One after the other, at whichever replica, what was charged elsewhere is all that counts.
  for (const replica of replicas) {
    expect(await ask(replica)).toBe(200)
    await idle()
  }
  scripted.delayMs = 5
  const both = await Promise.all(replicas.map(ask))
  scripted.delayMs = 0
  expect(both.sort()).toEqual([200, 'balance_insufficient'])
  await replicas[0]!.settler.settleNow()
  const { receipts } = await (
    await fetch(`http://127.0.0.1:${replicas[0]!.port}/v1/user/${wallet.address}/receipts`, {
      headers: { authorization },
    })
  ).json()
  expect(receipts).toHaveLength(Number(rounds))
})
