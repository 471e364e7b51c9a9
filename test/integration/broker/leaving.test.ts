import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { findAccount } from '../../../src/chain/inference.ts'
import { INFERENCE_SERVICE } from '../../../src/chain/ledger.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type Contracts, PRICES, startWorld, tokenOf, type World } from '../../support/world.ts'

describe.each<Contracts>(['ours', 'theirs'])('a user who leaves, on %s contracts', (contracts) => {
  let world: World
  let scripted: ScriptedEngine
  let engine: Engine
  let broker: Broker

  beforeAll(async () => {
    ;[world, scripted] = await Promise.all([startWorld(contracts), startScriptedEngine()])
    engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
    broker = await world.startBroker(engine)
    await world.fund(world.user)
  })

  afterAll(async () => {
    await world?.stop()
    await engine?.stop()
    await scripted?.stop()
  })

  it('B9: takes nothing along that was earned: asking for money back settles at once', async () => {
    const response = await fetch(`${broker.url}/v1/proxy/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenOf(world.user, broker.provider)}` },
      body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 8 }),
    })
    expect(response.status).toBe(200)
    await response.arrayBuffer()
    const fee = 10n * PRICES.input + 8n * PRICES.output
    expect(await balance()).toBe(5n * 10n ** 18n)

    const ledger = world.ledger.connect(world.user) as Contract
    await (await ledger.getFunction('retrieveFund')([broker.provider], INFERENCE_SERVICE)).wait()
    await expect.poll(balance).toBe(5n * 10n ** 18n - fee)
  })

  const balance = async (): Promise<bigint> =>
    (await findAccount(world.inference, world.user.address as Address, broker.provider))!.balance
})
