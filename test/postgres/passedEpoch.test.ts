import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { readEpoch, readSettled } from '../../src/chain/batches.ts'
import { epochOfNumber } from '../../src/protocol/batch.ts'
import { receiptFromJson, type SignedReceipt } from '../../src/protocol/receipt.ts'
import { DEFAULT_LIMITS } from '../../src/provider/server/limits/limits.ts'
import { tokenOf } from '../support/world.ts'
import { expectNoConflict } from './replica.ts'
import { startTwoBrokers, type TwoBrokers } from './twoBrokers.ts'

const PATIENCE = { timeout: 30_000, interval: 100 }

let both: TwoBrokers
let token: string

beforeAll(async () => {
  both = await startTwoBrokers(DEFAULT_LIMITS)
  await both.world.fund(both.world.user)
  token = await tokenOf(both.world.user, both.here.provider)
}, 300_000)

afterAll(() => both?.stop())

async function receipts(): Promise<SignedReceipt[]> {
  const url = `${both.here.url}/v1/user/${both.world.user.address}/receipts`
  const page = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()
  return page.receipts.map(receiptFromJson)
}

describe('two brokers on one database whose epoch the chain has passed', () => {
  it('both refuse until one of them has opened the next one, and lose nothing', {
    timeout: 300_000,
  }, async () => {
    const { inference, provider, anvil, user } = both.world
    const outcomes = () => Promise.all(([0, 1] as const).map((which) => both.ask(which, token)))
    for (const { status } of await outcomes()) expect(status).toBe(200)

    const passed = (await readEpoch(inference, both.here.provider)) + 1
    const openEpoch = (inference.connect(provider) as Contract).getFunction('openEpoch')
    await (await openEpoch(provider.address, passed, '0x')).wait()
    await anvil.rpc.send('evm_setAutomine', [false])
    const codes = async () => (await outcomes()).map(({ code, status }) => code ?? status)
    await expect.poll(codes, PATIENCE).toEqual(['epoch_opening', 'epoch_opening'])
    await anvil.rpc.send('evm_setAutomine', [true])
    await anvil.rpc.send('evm_mine', [])
    await expect.poll(codes, PATIENCE).toEqual([200, 200])

    expect(await readEpoch(inference, both.here.provider)).toBe(passed + 1)
    const all = await receipts()
    expectNoConflict(all)
    expect(new Set(all.map(({ receipt }) => epochOfNumber(receipt.seq)))).toContain(passed + 1)
    expect(epochOfNumber(all.at(-1)!.receipt.seq)).toBe(passed + 1)
    const { problem } = await both.here.settler.settleNow()
    expect(problem).toBeNull()
    const { settled } = await readSettled(inference, user.address as Address, both.here.provider)
    expect(settled).toBe(all.at(-1)!.receipt.cumulative)
  })
})
