import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { readEpoch, readSettled } from '../../../src/chain/batches.ts'
import { EPOCH_NUMBERS, epochOfNumber } from '../../../src/protocol/batch.ts'
import { receiptToJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { tokenOf } from '../../support/world.ts'
import { openScene, type Scene } from './scene.ts'

describe('a broker whose ledger was lost, on contracts without epochs', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await openScene('theirs')
  })

  afterAll(() => scene?.stop())

  it('does not start by itself, and goes on above everything it ever said when told to', async () => {
    const { world, ask, start, folder } = scene
    const first = await start()
    await world.fund(world.user)
    const before = await ask(first)
    await first.stop()
    rmSync(folder, { recursive: true })

    await expect(start()).rejects.toMatchObject({ code: 'ledger_behind_chain' })
    const next = await start({ newEpoch: true })
    const after = await ask(next)
    expect(after.receipt.seq).toBeGreaterThan(before.receipt.seq)
    expect(after.receipt.cumulative).toBe(before.receipt.cumulative + after.receipt.fee)
    const { payments } = await next.settler.settleNow()
    expect(payments.map(({ paid }) => paid)).toEqual([after.receipt.fee])
  })
})

describe('a broker on contracts with epochs', () => {
  let scene: Scene
  let broker: Broker
  const settledOnChain = () =>
    readSettled(scene.world.inference, scene.world.user.address as Address, broker.provider)
  const epochOnChain = () => readEpoch(scene.world.inference, broker.provider)
  const receipts: SignedReceipt[] = []

  async function ask(): Promise<SignedReceipt> {
    const signed = await scene.ask(broker)
    receipts.push(signed)
    expect(epochOfNumber(signed.receipt.seq)).toBe(await epochOnChain())
    return signed
  }

  /** Answers while an epoch is opened are refused, and cost nothing. */
  async function untilServed(): Promise<SignedReceipt> {
    for (;;) {
      const signed = await ask().catch(() => null)
      if (signed) return signed
      await sleep(50)
    }
  }

  beforeAll(async () => {
    scene = await openScene('ours')
    broker = await scene.start()
    await scene.world.fund(scene.world.user)
  })

  afterAll(() => scene?.stop())

  it('begins with epoch 0, without a transaction', async () => {
    expect(await epochOnChain()).toBe(0)
    expect((await ask()).receipt.seq).toBeLessThan(1000)
  })

  it('goes on in the same epoch after a plain restart, and after one without a last settlement', async () => {
    await broker.stop()
    broker = await scene.start()
    const { receipt } = await ask()
    expect(receipt.seq).toBeGreaterThan(1)
    expect(receipt.cumulative).toBe(receipts[0]!.receipt.cumulative + receipt.fee)
    expect(await epochOnChain()).toBe(0)
  })

  it('opens the next one before it serves when its ledger is gone, and asks for nothing twice', async () => {
    const before = await ask()
    await broker.stop()
    rmSync(scene.folder, { recursive: true })
    broker = await scene.start()
    expect(await epochOnChain()).toBe(1)
    const { receipt } = await ask()
    expect(receipt.seq).toBeGreaterThan(EPOCH_NUMBERS)
    expect(receipt.cumulative).toBe(before.receipt.cumulative + receipt.fee)
    const { payments } = await broker.settler.settleNow()
    expect(payments.map(({ paid }) => paid)).toEqual([receipt.fee])
  })

  it('opens the next one when it starts from a copy of which the chain shows nothing', async () => {
    await broker.stop()
    const copy = `${scene.folder}-copy`
    cpSync(scene.folder, copy, { recursive: true })
    const before = await settledOnChain()
    broker = await scene.start({ settlement: { intervalMs: 3_600_000, minimumFee: ONE_0G } })
    const forgotten = await ask()
    await broker.stop()
    expect(await settledOnChain()).toEqual(before)
    rmSync(scene.folder, { recursive: true })
    cpSync(copy, scene.folder, { recursive: true })
    broker = await scene.start()
    expect(await epochOnChain()).toBe(2)
    const { receipt } = await ask()
    expect(receipt.seq).toBeGreaterThan(forgotten.receipt.seq)
    expect(new Set(receipts.map((signed) => signed.receipt.seq)).size).toBe(receipts.length)
  })

  it('ends the epoch when a user shows a receipt that it signed and has forgotten', async () => {
    const { world, folder } = scene
    await broker.stop()
    const [epoch, place] = [await epochOnChain(), join(folder, 'ledger.sqlite')]
    cpSync(place, `${place}.before`)
    broker = await scene.start({ settlement: { intervalMs: 3_600_000, minimumFee: ONE_0G } })
    const forgotten = await ask()
    await broker.stop()
    // The same file goes back in time, as with a snapshot of the whole machine.
    writeFileSync(place, readFileSync(`${place}.before`))
    rmSync(`${place}.before`)
    broker = await scene.start()
    expect(await epochOnChain()).toBe(epoch)

    const show = async (signed: SignedReceipt) => {
      const response = await fetch(`${broker.url}/v1/user/${world.user.address}/receipts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await tokenOf(world.user, broker.provider)}` },
        body: JSON.stringify('receipt' in signed ? receiptToJson(signed) : signed),
      })
      return { status: response.status, body: await response.json() }
    }
    expect(await show(receipts.at(-2)!)).toEqual({ status: 200, body: { known: true } })
    const foreign = { ...forgotten, receipt: { ...forgotten.receipt, fee: 1n } }
    expect(await show(foreign)).toMatchObject({ status: 400, body: { error: { code: 'receipt_foreign' } } })
    expect((await show({} as SignedReceipt)).body).toMatchObject({ error: { code: 'receipt_malformed' } })
    expect(await epochOnChain()).toBe(epoch)

    await world.anvil.rpc.send('evm_setAutomine', [false])
    expect(await show(forgotten)).toEqual({ status: 200, body: { known: false } })
    const refused = await fetch(`${broker.url}/v1/proxy/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenOf(world.user, broker.provider)}` },
      body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5 }),
    })
    expect([refused.status, (await refused.json()).error.code]).toEqual([503, 'epoch_opening'])
    await world.anvil.rpc.send('evm_setAutomine', [true])
    await world.anvil.rpc.send('evm_mine', [])
    await expect.poll(epochOnChain).toBe(epoch + 1)
    const { receipt } = await untilServed()
    expect(receipt.seq).toBeGreaterThan(forgotten.receipt.seq)
    expect(receipt.cumulative).toBe(forgotten.receipt.cumulative + receipt.fee)
    await show(forgotten)
    expect(await epochOnChain()).toBe(epoch + 1)
    expect((await broker.settler.settleNow()).paid).toBe(forgotten.receipt.fee + receipt.fee)
  })

  it('goes on above what was settled of an account that was closed meanwhile', async () => {
    const { world } = scene
    const { settled } = await settledOnChain()
    await broker.stop()
    rmSync(scene.folder, { recursive: true })
    const ledger = world.ledger.connect(world.user) as typeof world.ledger
    await (await ledger.getFunction('leave')()).wait()
    await world.anvil.rpc.send('evm_increaseTime', [10])
    await (await ledger.getFunction('leave')()).wait()
    broker = await scene.start()
    await world.fund(world.user)
    const { receipt } = await ask()
    expect(receipt.cumulative).toBeGreaterThan(settled)
    expect((await broker.settler.settleNow()).paid).toBe(receipt.fee)
  })
})
