import { type HDNodeWallet, Wallet } from 'ethers'
import { afterEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type Contracts, startWorld, tokenOf } from '../../support/world.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** A broker that has sold one answer; what it earned with it. */
async function earn(contracts: Contracts, payee: Address, keep: bigint) {
  const [world, scripted] = await Promise.all([startWorld(contracts), startScriptedEngine()])
  const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  cleanups.push(
    () => scripted.stop(),
    () => engine.stop(),
    () => world.stop(),
  )
  const settlement = { intervalMs: 3_600_000, minimumFee: 1n, payee, keep }
  const broker = await world.startBroker(engine, { settlement })
  await world.fund(world.user as HDNodeWallet)
  const response = await fetch(`${broker.url}/v1/proxy/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf(world.user, broker.provider)}` },
    body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5 }),
  })
  await response.arrayBuffer()
  const { paid } = await broker.settler.settleNow()
  return { world, paid }
}

describe('earnings that go to a cold address', () => {
  const payee = Wallet.createRandom().address as Address

  it('are paid there by the contract itself, where it can', async () => {
    const { world, paid } = await earn('ours', payee, 0n)
    expect(paid).toBeGreaterThan(0n)
    expect(await world.anvil.rpc.getBalance(payee)).toBe(paid)
  })

  it('are sent on from the deployed contracts, all but what is kept for gas', async () => {
    const keep = 2n * ONE_0G
    const { world } = await earn('theirs', payee, keep)
    const left = async () => world.anvil.rpc.getBalance(world.provider.address)
    await expect.poll(left).toBeLessThan(keep + ONE_0G)
    expect(await left()).toBeGreaterThanOrEqual(keep)
    expect(await world.anvil.rpc.getBalance(payee)).toBeGreaterThan(ONE_0G)
  })
})
