import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import type { Contracts, World } from '../../support/world.ts'
import { approval, openClients } from './clientOf.ts'

describe.each<Contracts>(['ours', 'theirs'])('money on %s contracts', (contracts) => {
  let shop: Shop
  let world: World
  let broker: Broker
  const { newUser } = openClients(() => world)

  beforeAll(async () => {
    shop = await openShop({}, contracts)
    ;({ world, broker } = shop)
  })

  afterAll(() => shop?.stop())

  /** Deposit, sub-account and acknowledgement of the signer. */
  const FIRST = contracts === 'ours' ? ['onboard'] : ['deposit', 'transfer']

  it(`goes to a provider in ${FIRST.length} transactions, and in none when it is there`, async () => {
    const { compute } = await newUser()
    const { sent, hooks } = approval()
    const minimums = await compute.minimums()
    const { plan } = await compute.ensureFunds(broker.provider, 5n, hooks)
    expect(sent).toEqual(FIRST)
    expect(plan.deposit).toBe(minimums.deposit > 5n ? minimums.deposit : 5n)
    const account = await compute.account(broker.provider)
    expect(account).toMatchObject({ acknowledged: true, balance: plan.transfer })
    await compute.ensureFunds(broker.provider, 5n, hooks)
    expect(sent).toEqual(FIRST)
  })

  it('does not move without approval', async () => {
    const { compute, wallet } = await newUser()
    for (const hooks of [{}, { approve: () => false }]) {
      await expect(compute.ensureFunds(broker.provider, 5n, hooks)).rejects.toMatchObject({
        code: 'funding_needed',
      })
    }
    expect(await world.anvil.rpc.getTransactionCount(wallet.address)).toBe(0)
  })

  it('moves once for calls made together', async () => {
    const { compute } = await newUser()
    const { sent, hooks } = approval()
    await Promise.all(Array.from({ length: 32 }, () => compute.ensureFunds(broker.provider, ONE_0G, hooks)))
    expect(sent).toEqual(FIRST)
  })

  it('is shown wherever it is, and comes back', async () => {
    const { compute, wallet } = await newUser()
    const { hooks } = approval()
    await compute.deposit(5n * ONE_0G, hooks)
    await compute.ensureFunds(broker.provider, 2n * ONE_0G, hooks)
    const before = await compute.fundStatus({ askProviders: true })
    expect(before).toMatchObject({ available: 3n * ONE_0G, deposited: 5n * ONE_0G, elsewhere: 0n })
    expect(before.subAccounts).toMatchObject([{ free: 2n * ONE_0G, unsettled: 0n, refunds: [] }])

    const maxWaitSeconds = contracts === 'ours' ? 30 : 1
    const result = await compute.withdraw({ maxWaitSeconds })
    expect(result.transactions).toHaveLength(2)
    const after = await compute.fundStatus({ askProviders: false })
    const gas = result.transactions.reduce((sum, { gasCost }) => sum + gasCost, 0n)
    expect(after.wallet).toBe(before.wallet + result.withdrawn - gas)
    if (contracts === 'ours') {
      expect(result).toMatchObject({ withdrawn: 5n * ONE_0G, pending: 0n, unlocksAt: null })
      expect(after).toMatchObject({ available: 0n, deposited: 0n, subAccounts: [] })
      await expect(compute.withdraw({ maxWaitSeconds })).rejects.toMatchObject({
        code: 'nothing_to_withdraw',
      })
    } else {
      // Locked for an hour there: what is free comes now, and running it again sends nothing.
      expect(result).toMatchObject({ withdrawn: 3n * ONE_0G, pending: 2n * ONE_0G })
      expect(after.subAccounts[0]!.refunds).toMatchObject([{ amount: 2n * ONE_0G }])
      expect(after.subAccounts[0]!.refunds[0]!.secondsLeft).toBeGreaterThan(3500)
      const count = await world.anvil.rpc.getTransactionCount(wallet.address)
      const again = await compute.withdraw({ maxWaitSeconds })
      expect(again).toMatchObject({ withdrawn: 0n, pending: 2n * ONE_0G, unlocksAt: result.unlocksAt })
      expect(await world.anvil.rpc.getTransactionCount(wallet.address)).toBe(count)
    }
  })

  it('is refused in an amount that cannot be, with the exact figure', async () => {
    const { compute } = await newUser()
    const { hooks } = approval()
    const { deposit: minimum } = await compute.minimums()
    const amount = contracts === 'ours' ? ONE_0G : minimum
    await compute.deposit(amount, hooks)
    await expect(compute.withdraw({ amount: amount + 1n, maxWaitSeconds: 0 })).rejects.toMatchObject({
      code: 'withdraw_too_much',
      details: { deposited: amount.toString() },
    })
    if (contracts === 'ours') return
    await expect(compute.withdraw({ amount: 1n, maxWaitSeconds: 0 })).rejects.toMatchObject({
      code: 'withdraw_leaves_dust',
      details: { remaining: (amount - 1n).toString(), minimum: minimum.toString() },
    })
  })
})
