import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE_0G } from '../../../src/base/units.ts'
import { FINE_TUNING_SERVICE, INFERENCE_SERVICE } from '../../../src/chain/ledger.ts'
import type { AskedBack } from '../../../src/client/funding/withdraw.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { runCli } from '../../support/cli.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { slowly } from '../../support/vouchers.ts'
import type { Contracts, World } from '../../support/world.ts'
import { approval, firstSteps, openClients } from './clientOf.ts'

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

  const FIRST = firstSteps(contracts)

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
      details: { most: amount.toString() },
    })
    if (contracts === 'ours') return
    await expect(compute.withdraw({ amount: 1n, maxWaitSeconds: 0 })).rejects.toMatchObject({
      code: 'withdraw_leaves_dust',
      details: { remaining: (amount - 1n).toString(), minimum: minimum.toString() },
    })
  })

  it('comes back in the amount that was asked for, and the rest goes on paying for answers', async () => {
    const { compute, wallet } = await newUser()
    const { hooks } = approval()
    await compute.ensureFunds(broker.provider, 5n * ONE_0G, hooks)
    const amount = ONE_0G / 10n
    const left = 5n * ONE_0G - amount
    const asked: AskedBack[] = []
    const onRecall = (all: readonly AskedBack[]) => void asked.push(...all)
    const withdraw = () => compute.withdraw({ amount, maxWaitSeconds: 0 }, { onRecall })
    const count = () => world.anvil.rpc.getTransactionCount(wallet.address)

    const before = await count()
    const refuses = { onRecall: () => Promise.reject(new Error('no')) }
    await expect(compute.withdraw({ amount, maxWaitSeconds: 0 }, refuses)).rejects.toThrow('no')
    expect(await count()).toBe(before)

    // Before it is unlocked, however long that takes here.
    const [first, open, again] = await slowly(world, async () => [
      await withdraw(),
      await compute.fundStatus({ askProviders: false }),
      await withdraw(),
    ])
    expect(first).toMatchObject({ withdrawn: 0n, pending: amount, unlocksAt: expect.any(Number) })
    const lockSeconds = contracts === 'ours' ? 5 : 3600
    expect(asked).toEqual([{ provider: broker.provider, service: INFERENCE_SERVICE, amount, lockSeconds }])
    expect(open.subAccounts).toMatchObject([{ free: left }])

    // Again in the same words: nothing is asked for twice.
    expect(again).toMatchObject({ withdrawn: 0n, pending: amount, transactions: [] })

    const { timestamp } = (await world.anvil.rpc.getBlock('latest'))!
    await world.anvil.rpc.send('evm_setNextBlockTimestamp', [timestamp + lockSeconds + 1])
    await world.anvil.rpc.send('evm_mine', [])
    expect(await withdraw()).toMatchObject({ withdrawn: amount, pending: 0n, unlocksAt: null })
    expect(asked).toHaveLength(1)
    const after = await compute.fundStatus({ askProviders: false })
    expect(after).toMatchObject({
      available: 0n,
      deposited: left,
      subAccounts: [{ free: left, refunds: [] }],
    })
  })

  it('comes first from who sells nothing any more', async () => {
    const { compute, wallet } = await newUser()
    const { hooks } = approval()
    await compute.deposit(10n * ONE_0G, hooks)
    await compute.ensureFunds(broker.provider, 5n * ONE_0G, hooks)
    const gone = world.anvil.wallets[1 + world.anvil.wallets.indexOf(world.provider)]!.address
    const own = world.ledger.connect(wallet) as Contract
    for (const [service, amount] of [[INFERENCE_SERVICE, 3n] as const, [FINE_TUNING_SERVICE, 2n] as const])
      await (await own.getFunction('transferFund')(gone, service, amount * ONE_0G)).wait()

    const asked: (readonly [string, string, bigint])[] = []
    const onRecall = (all: readonly AskedBack[]) =>
      void asked.push(...all.map(({ provider, service, amount }) => [provider, service, amount] as const))
    await compute.withdraw({ amount: 4n * ONE_0G, maxWaitSeconds: 0 }, { onRecall })
    expect(asked).toEqual([
      [gone, INFERENCE_SERVICE, 3n * ONE_0G],
      [gone, FINE_TUNING_SERVICE, ONE_0G],
    ])
    const { subAccounts } = await compute.fundStatus({ askProviders: false })
    expect(subAccounts.find(({ provider }) => provider === broker.provider)).toMatchObject({ refunds: [] })
    if (contracts === 'ours') return

    // Locked for an hour there: the command line asks nobody unasked, and says what finishes it.
    const home = join(world.dir, 'lab')
    mkdirSync(home)
    const lab = { ...world.network, kind: undefined, name: undefined, simulatedTee: undefined }
    writeFileSync(join(home, 'config.json'), JSON.stringify({ network: 'lab', networks: { lab } }))
    const withdraw = (...more: string[]) =>
      runCli(['fund', 'withdraw', '4.5', ...more], { ZG_HOME: home, ZG_PRIVATE_KEY: wallet.privateKey })
    const before = await world.anvil.rpc.getTransactionCount(wallet.address)
    const unasked = await withdraw()
    expect(unasked.code).toBe(2)
    expect(unasked.stderr).toContain(`0.5 0G come from ${gone} (fine-tuning-v1.0), locked for 3600 s`)
    expect(await world.anvil.rpc.getTransactionCount(wallet.address)).toBe(before)
    const yes = await withdraw('--yes', '--quiet')
    expect([yes.code, yes.stdout]).toEqual([0, expect.stringContaining('4.5 0G can be withdrawn from 20')])
    expect((await withdraw()).stderr).toContain('Next: 0g-compute fund withdraw 4.5\n')
  })
})
