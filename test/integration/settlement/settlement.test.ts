import { parseEther, toQuantity } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wallet } from '../../support/anvil.ts'
import { acknowledgeByOwner, fundUser, revokeByOwner, topUp } from '../../support/deployed.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe.each(['theirs', 'ours'] as const)('settlement on %s contracts', (contracts) => {
  let market: Market

  beforeAll(async () => {
    market = await openMarket(contracts)
  })

  afterAll(() => market.stop())

  const totals = (user: { readonly address: string }) => market.ledger.totals(user.address as `0x${string}`)

  it('pays what is owed, in one transaction for all, and nothing when nothing is owed', async () => {
    const [alice, bob] = [await newUser(market, 1), await newUser(market, 2)]
    await market.charge(alice, 700n)
    await market.charge(alice, 300n)
    await market.charge(bob, 50n)
    const settler = market.settler()
    const report = await settler.settleNow()
    expect(report).toMatchObject({ paid: 1050n, waiting: [], problem: null })
    expect(report.transactions).toMatchObject([{ payers: 2, paid: 1050n }])
    expect(report.transactions[0]!.gasUsed).toBeGreaterThan(0n)
    expect(totals(alice)).toMatchObject({ charged: 1000n, paid: 1000n })
    expect(await paidOnChain(market, alice)).toBe(1000n)
    expect((await market.account(alice))!.balance).toBe(parseEther('1') - 1000n)
    expect(await settler.settleNow()).toMatchObject({ transactions: [], paid: 0n, problem: null })
  })

  it('B5: takes what is there, keeps the rest owed, and settles it after a top-up', async () => {
    const carol = await newUser(market, 3)
    await market.charge(carol, parseEther('1.5'))
    const settler = market.settler()
    const first = await settler.settleNow()
    expect(first.payments).toMatchObject([{ paid: parseEther('1'), unsettled: parseEther('0.5') }])
    expect(await settler.settleNow()).toMatchObject({
      transactions: [],
      waiting: [{ user: carol.address.toLowerCase(), reason: 'account_empty' }],
    })
    await topUp(market.world, carol, market.provider, '2')
    await market.charge(carol, 5n)
    expect((await settler.settleNow()).paid).toBe(parseEther('0.5') + 5n)
    expect(await paidOnChain(market, carol)).toBe(parseEther('1.5') + 5n)
    expect(totals(carol)).toMatchObject({ charged: parseEther('1.5') + 5n, paid: parseEther('1.5') + 5n })
  })

  it('lets nobody wait for a user without an account', async () => {
    const [nobody, dave] = [market.anvil.wallets[8]!, await newUser(market, 4)]
    await market.charge(nobody, 10n)
    await market.charge(dave, 20n)
    const report = await market.settler().settleNow()
    expect(report.paid).toBe(20n)
    expect(report.waiting).toEqual([{ user: nobody.address.toLowerCase(), reason: 'account_missing' }])
    expect(totals(nobody)).toMatchObject({ charged: 10n, paid: 0n })
  })

  it('waits for the owner to acknowledge the signer, and spends no gas meanwhile', async () => {
    const erin = await newUser(market, 5)
    await revokeByOwner(market.world, market.provider)
    await market.charge(erin, 30n)
    const settler = market.settler()
    const sentBefore = await market.operator.getNonce()
    const waiting = await settler.settleNow()
    expect(waiting.waiting).toContainEqual({
      user: erin.address.toLowerCase(),
      reason: 'service_not_acknowledged',
    })
    expect(await market.operator.getNonce()).toBe(sentBefore)
    await acknowledgeByOwner(market.world, market.provider)
    expect((await settler.settleNow()).paid).toBe(30n)
  })

  it('B7: pays what the chain refused in a block once the cause is gone', async () => {
    const frank = await newUser(market, 6)
    await market.charge(frank, 40n)
    const { rpc } = market.anvil
    await rpc.send('evm_setAutomine', [false])
    const settler = market.settler({ receiptTimeoutMs: 60_000 })
    const running = settler.settleNow()
    await untilPending(1)
    const revoke = market.world.inference.getFunction('revokeTEESignerAcknowledgement')
    const request = await revoke.populateTransaction(market.provider)
    const tip = 10n ** 12n
    await market.world.owner.sendTransaction({
      ...request,
      gasLimit: 200_000n,
      maxPriorityFeePerGas: tip,
      maxFeePerGas: 2n * tip,
    })
    await untilPending(2)
    await rpc.send('evm_mine', [])
    await rpc.send('evm_setAutomine', [true])
    const refused = await running
    expect(refused.payments).toEqual([])
    const [open] = await market.ledger.settlements.open()
    await acknowledgeByOwner(market.world, market.provider)
    const report = await settler.settleNow()
    expect(report.payments).toMatchObject([{ paid: 40n }])
    // A difference is sent again as it was signed; a total needs no second signature to be the same.
    if (contracts === 'theirs') expect(report.payments[0]!.nonce).toBe(open!.entry.nonce)
    expect(await paidOnChain(market, frank)).toBe(40n)
  })

  it('runs once at a time, however often it is asked', async () => {
    const grace = await newUser(market, 7)
    await market.charge(grace, 1n)
    const settler = market.settler()
    const [one, two] = await Promise.all([settler.settleNow(), settler.settleNow()])
    expect(one.paid + two.paid).toBe(1n)
    expect(await paidOnChain(market, grace)).toBe(1n)
  })

  it('settles at once who owes much, without being asked', async () => {
    const heidi = market.anvil.wallets[7]!
    const settler = market.settler({ eagerFee: 1000n, minimumFee: 1000n, intervalMs: 3_600_000 })
    settler.start()
    await market.charge(heidi, 999n)
    settler.noteCharge(heidi.address as `0x${string}`)
    await market.charge(heidi, 1n)
    settler.noteCharge(heidi.address as `0x${string}`)
    await expect.poll(() => totals(heidi).paid).toBe(1001n)
    await settler.stop()
  })

  it('settles more than fifty users in as many transactions as it takes', async () => {
    const users = Array.from({ length: 51 }, (_, index) => wallet(100 + index).connect(market.anvil.rpc))
    await Promise.all(
      users.map(async (user) => {
        await market.anvil.rpc.send('anvil_setBalance', [user.address, toQuantity(parseEther('20'))])
        await fundUser(market.world, user, market.provider, { deposit: '10', locked: '1' })
        await market.charge(user, 3n)
      }),
    )
    const report = await market.settler().settleNow()
    const payers = report.transactions.map((transaction) => transaction.payers)
    expect(payers).toEqual(contracts === 'theirs' ? [50, 1] : [51])
    expect(report.paid).toBe(153n)
  })

  async function untilPending(count: number): Promise<void> {
    await expect
      .poll(async () => Object.keys((await market.anvil.rpc.send('txpool_content', [])).pending).length)
      .toBe(count)
  }
})
