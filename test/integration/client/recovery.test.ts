import type { Contract, HDNodeWallet } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { Runtime } from '../../../src/client/runtime.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { PRICES, startWorld, type World } from '../../support/world.ts'
import { approval, clientOf, misreading } from './clientOf.ts'

const STEADY = {
  model: 'steady',
  messages: [{ role: 'user', content: 'Say something' }],
  maxTokens: 6,
} as const

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
const open: Compute[] = []

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
})

afterEach(async () => {
  for (const compute of open.splice(0)) await compute.close()
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

async function userOf(index: number, runtime?: Runtime) {
  const wallet = world.anvil.wallets[index] as HDNodeWallet
  const compute = await clientOf(world, wallet, memoryReceiptStore(), runtime)
  open.push(compute)
  return { compute, wallet }
}

describe('a client', () => {
  it('whose price is out of date is told before the engine is asked, and pays nothing', async () => {
    const cheaper = (text: string) => text.replaceAll(`"${PRICES.output}"`, `"${PRICES.output - 1n}"`)
    const { compute } = await userOf(3, misreading('/v1/models', cheaper))
    const before = scripted.requests.length
    await expect(compute.infer(STEADY, approval().hooks)).rejects.toMatchObject({
      code: 'price_changed',
      retryable: true,
      details: { output: PRICES.output.toString() },
    })
    expect(scripted.requests).toHaveLength(before)
    expect(await compute.audit()).toMatchObject({ charged: 0n, difference: 0n })
  })

  it('whose tokens were all revoked makes a new one', async () => {
    const { compute, wallet } = await userOf(4)
    await compute.infer(STEADY, approval().hooks)
    const serving = world.inference.connect(wallet) as Contract
    await (await serving.getFunction('revokeAllTokens')(broker.provider)).wait()
    expect((await compute.infer(STEADY, approval().hooks)).verdict.outcome).toBe('accepted')
  })

  it('fills the exact shortfall that the broker states, once, and asks again', async () => {
    const { compute } = await userOf(5)
    await compute.infer({ ...STEADY, maxTokens: 100 }, approval().hooks)
    const forgetful = misreading('/unsettledfee', () => '{"unsettledFee":"0"}')
    const { compute: again } = await userOf(5, forgetful)
    const account = await again.account(broker.provider)
    // Asks for as much as lies there, although some of it is owed.
    const maxTokens = Number((account!.balance - 400n * PRICES.input) / PRICES.output)
    const { sent, hooks } = approval()
    const answer = await again.infer({ ...STEADY, maxTokens }, hooks)
    expect(answer.verdict.outcome).toBe('accepted')
    // What the ledger lacks is deposited with it, in the same transaction.
    expect(sent.at(-1)).toBe('onboard')
  })
})
