import { join } from 'node:path'
import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { readEpoch, readSettled } from '../../../src/chain/batches.ts'
import { epochOfNumber } from '../../../src/protocol/batch.ts'
import type { SignedReceipt } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { tokenOf } from '../../support/world.ts'
import { openScene, type Scene } from './scene.ts'

/** What is owed stays owed until the test settles it. */
const settlement = { intervalMs: 3_600_000, minimumFee: ONE_0G }
const PATIENCE = { timeout: 30_000, interval: 100 }

let scene: Scene
let broker: Broker

beforeAll(async () => {
  scene = await openScene('ours')
  broker = await scene.start({ settlement })
  await scene.world.fund(scene.world.user)
})

afterAll(() => scene?.stop())

const epochOnChain = () => readEpoch(scene.world.inference, broker.provider)

const ask = async (url: string, change = {}) => {
  const response = await fetch(`${url}/v1/proxy/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf(scene.world.user, broker.provider)}` },
    body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5, ...change }),
  })
  const text = await response.text()
  return {
    status: response.status,
    code: text.startsWith('{') ? JSON.parse(text).error?.code : undefined,
    text,
  }
}

const readiness = async () => (await fetch(`${broker.url}/readyz`)).json()

/** As anybody does who has the provider's key, with a ledger or without one. */
async function passEpoch(): Promise<number> {
  const next = (await epochOnChain()) + 1
  const { inference, provider } = scene.world
  const call = (inference.connect(provider) as Contract).getFunction('openEpoch')
  await (await call(provider.address, next, '0x')).wait()
  return next
}

describe('a broker whose port is taken', () => {
  it('is told so before it opens an epoch, which would end that of the broker that runs', async () => {
    const before = await epochOnChain()
    const listen = { host: '127.0.0.1', port: broker.port }
    const second = scene.start({ settlement, listen, dataDir: join(scene.world.dir, 'another') })
    await expect(second).rejects.toMatchObject({ code: 'port_in_use' })
    expect(await epochOnChain()).toBe(before)
  })
})

describe('a running broker whose epoch the chain has passed', () => {
  it('opens the next one by itself: meanwhile it refuses, what runs is charged, and all of it is paid', async () => {
    const { world, scripted } = scene
    const before: SignedReceipt[] = [await scene.ask(broker), await scene.ask(broker)]
    scripted.delayMs = 50
    const started = scripted.requests.length
    const running = ask(broker.url, { stream: true, max_tokens: 60 })
    await expect.poll(() => scripted.requests.length, PATIENCE).toBe(started + 1)

    const passed = await passEpoch()
    await world.anvil.rpc.send('evm_setAutomine', [false])
    await expect.poll(async () => (await ask(broker.url)).code, PATIENCE).toBe('epoch_opening')
    expect(await readiness()).toEqual({ ready: false, reasons: ['epoch_opening'] })
    scripted.delayMs = 0
    expect((await running).text).toContain('[DONE]')
    await world.anvil.rpc.send('evm_setAutomine', [true])
    await world.anvil.rpc.send('evm_mine', [])

    await expect.poll(readiness, PATIENCE).toEqual({ ready: true, reasons: [] })
    expect(await epochOnChain()).toBe(passed + 1)
    const after = await scene.ask(broker)
    expect(epochOfNumber(after.receipt.seq)).toBe(passed + 1)
    expect(after.receipt.seq).toBeGreaterThan(before[1]!.receipt.seq)
    const { paid, problem } = await broker.settler.settleNow()
    expect([problem, paid]).toEqual([null, after.receipt.cumulative])
    const { settled } = await readSettled(world.inference, world.user.address as Address, broker.provider)
    expect(settled).toBe(after.receipt.cumulative)
  })

  it('passed again at once, waits: two with ledgers of their own do not drive each other without end', async () => {
    const other = await scene.start({ settlement, dataDir: join(scene.world.dir, 'other') })
    const epoch = await epochOnChain()
    await expect.poll(async () => (await ask(broker.url)).code, PATIENCE).toBe('epoch_opening')
    await expect.poll(async () => (await ask(other.url)).status, PATIENCE).toBe(200)
    expect(await epochOnChain()).toBe(epoch)
  })
})
