import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { receiptFromJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

async function ask({ url, provider }: Broker): Promise<SignedReceipt> {
  const response = await fetch(`${url}/v1/proxy/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf(world.user, provider)}` },
    body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5 }),
  })
  await response.arrayBuffer()
  const header = Buffer.from(response.headers.get('zg-receipt')!, 'base64').toString()
  return receiptFromJson(JSON.parse(header))
}

describe('a broker whose ledger was lost', () => {
  it('does not start by itself, and goes on above everything it ever said when told to', async () => {
    const first = await world.startBroker(engine)
    await world.fund(world.user)
    const before = await ask(first)
    await first.stop()
    rmSync(join(world.dir, 'broker'), { recursive: true })

    await expect(world.startBroker(engine)).rejects.toMatchObject({ code: 'ledger_behind_chain' })
    const next = await world.startBroker(engine, { newEpoch: true })
    const after = await ask(next)
    expect(after.receipt.seq).toBeGreaterThan(before.receipt.seq)
    expect(after.receipt.cumulative).toBe(before.receipt.cumulative + after.receipt.fee)
    const { payments } = await next.settler.settleNow()
    expect(payments.map(({ paid }) => paid)).toEqual([after.receipt.fee])
  })
})
