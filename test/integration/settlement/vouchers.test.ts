import { type Contract, keccak256 } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { readSettled } from '../../../src/chain/batches.ts'
import type { TestWallet } from '../../support/anvil.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import {
  BY_VOUCHERS,
  delegate,
  type SessionOptions,
  show,
  slowly,
  undelegated,
} from '../../support/vouchers.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

const DAY = 86_400

describe('settlement by vouchers', () => {
  let market: Market
  let rpc: FaultyRpc

  beforeAll(async () => {
    market = await openMarket('ours')
    rpc = await startFaultyRpc(market.anvil.url)
  })

  afterAll(async () => {
    await rpc.stop()
    await market.stop()
  })

  const place = () => ({
    anvil: market.anvil,
    network: market.world.network,
    inference: market.world.inference,
    provider: market.operator,
  })
  const sessionOf = (user: TestWallet, options: SessionOptions = {}) => delegate(place(), user, options)
  const settler = (options: Parameters<Market['settler']>[0] = {}) =>
    market.settler({ ...BY_VOUCHERS, ...options })
  const mine = (blocks: number) => market.anvil.rpc.send('anvil_mine', [`0x${blocks.toString(16)}`])

  /** Charges, and shows a voucher for the total and a little more. */
  async function owe(user: TestWallet, neuron: bigint, session?: Awaited<ReturnType<typeof delegate>>) {
    const signing = session ?? (await sessionOf(user))
    await market.charge(user, neuron)
    await show(market.ledger, signing, market.ledger.totals(user.address as Address).charged + 7n)
    return signing
  }

  async function expectExact(user: TestWallet, neuron: bigint): Promise<void> {
    const totals = market.ledger.totals(user.address as Address)
    expect(totals).toMatchObject({ charged: neuron, paid: neuron })
    expect(await paidOnChain(market, user)).toBe(neuron)
  }

  it('claims of several payers in one transaction what was charged, not what was signed', async () => {
    const users = [await newUser(market, 1), await newUser(market, 2)]
    for (const [i, user] of users.entries()) await owe(user, 100n + BigInt(i))
    const { transactions, paid } = await settler().settleNow()
    expect({ count: transactions.length, paid }).toEqual({ count: 1, paid: 201n })
    for (const [i, user] of users.entries()) await expectExact(user, 100n + BigInt(i))
    const { mode } = await readSettled(market.world.inference, users[0]!.address as Address, market.provider)
    expect(mode).toBe('voucher')
    expect((await settler().settleNow()).transactions).toEqual([])
  })

  it('claims what is signed, and says of the rest that it waits for a voucher', async () => {
    const user = await newUser(market, 3)
    const session = await sessionOf(user)
    await market.charge(user, 100n)
    const nothing = await settler().settleNow()
    expect(nothing.waiting).toEqual([{ user: user.address.toLowerCase(), reason: 'voucher_missing' }])
    expect(nothing.transactions).toEqual([])
    await show(market.ledger, session, 60n)
    await settler().settleNow()
    expect(await paidOnChain(market, user)).toBe(60n)
    const again = await settler().settleNow()
    expect(again.waiting).toEqual([{ user: user.address.toLowerCase(), reason: 'voucher_missing' }])
    await show(market.ledger, session, 1000n)
    await settler().settleNow()
    await expectExact(user, 100n)
  })

  it('claims by an older key what the newer one may not pay', async () => {
    const user = await newUser(market, 4)
    const older = await sessionOf(user)
    await owe(user, 100n, older)
    const newer = await sessionOf(user, { lasts: 2 * DAY })
    await owe(user, 50n, newer)
    await slowly(market, async () => {
      const serving = market.world.inference.connect(user) as Contract
      await (await serving.getFunction('endSession')(market.provider, newer.address)).wait()
      await market.anvil.rpc.send('evm_setNextBlockTimestamp', [
        (await market.anvil.rpc.getBlock('latest'))!.timestamp + 2 * DAY,
      ])
      await mine(1)
      await settler().settleNow()
    })
    expect(await paidOnChain(market, user)).toBe(107n)
    await owe(user, 1n)
    await settler().settleNow()
    await expectExact(user, 151n)
  })

  it('claims less than the minimum where a key is soon over, and nothing else below it', async () => {
    const [soon, later] = [market.anvil.wallets[1]!, market.anvil.wallets[2]!]
    await owe(soon, 5n, await sessionOf(soon, { lasts: 1000 }))
    await owe(later, 5n)
    const options = { minimumFee: 1000n, claimSeconds: 600 }
    const report = await settler(options).settleNow(1000n)
    expect(report.payments.map(({ user }) => user)).toEqual([soon.address.toLowerCase()])
    await expectExact(soon, 105n)
    await settler().settleNow()
    await expectExact(later, 106n)
  })

  it('asks no more of one payer than some keys say, whatever number of others it ended', async () => {
    const user = await newUser(market, 9)
    const good = await sessionOf(user)
    await owe(user, 100n, good)
    for (let cumulative = 1000n; cumulative < 1012n; cumulative++)
      await show(market.ledger, await undelegated(place(), user), cumulative)
    const { transactions } = await settler().settleNow()
    await expectExact(user, 100n)
    const sent = (await market.anvil.rpc.getTransaction(transactions[0]!.txHash))!
    const [, rows] = market.world.inference.interface.decodeFunctionData('settleVouchers', sent.data)
    expect((rows.length - 2) / 2 / 88).toBe(1)
  })

  it('pays once when two settle at once, and with any of them killed in between', async () => {
    const user = await newUser(market, 5)
    const session = await sessionOf(user)
    for (let round = 1n; round <= 4n; round++) {
      await owe(user, 10n, session)
      await Promise.all([settler(), settler()].map((one) => one.settleNow()))
      await market.restart()
      await settler().settleNow()
      await expectExact(user, 10n * round)
    }
  })

  it('finds a payment whose transaction was given up, also after a restart', async () => {
    const user = await newUser(market, 6)
    await owe(user, 100n)
    await market.anvil.rpc.send('evm_setAutomine', [false])
    const cut = await settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
    expect(cut.waiting).toContainEqual({ user: user.address.toLowerCase(), reason: 'outcome_unknown' })
    const raw = rpc.sent.at(-1)!
    await market.anvil.rpc.send('anvil_dropTransaction', [keccak256(raw)])
    rpc.decide = (method) => (method === 'eth_sendRawTransaction' ? 'drop-call' : 'none')
    await settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
    rpc.decide = () => 'none'
    await market.anvil.rpc.send('evm_setAutomine', [true])
    await market.anvil.rpc.send('eth_sendRawTransaction', [raw])
    await market.restart()
    await settler({ rpcUrl: rpc.url }).settleNow()
    await expectExact(user, 100n)
  })

  it('asks again for what a reorganisation took back', async () => {
    const user = await newUser(market, 7)
    const session = await sessionOf(user)
    await owe(user, 100n, session)
    await mine(3)
    await settler().settleNow()
    await owe(user, 20n, session)
    await market.anvil.rpc.send('anvil_reorg', [1, []])
    expect(await paidOnChain(market, user)).toBe(0n)
    await settler().settleNow()
    await settler().settleNow()
    await expectExact(user, 120n)
  })

  it('leaves an account alone that batches of an enclave took from', async () => {
    const taken = await newUser(market, 8)
    await market.charge(taken, 5n)
    await market.settler().settleNow()
    await owe(taken, 5n)
    const { waiting } = await settler().settleNow()
    expect(waiting).toContainEqual({ user: taken.address.toLowerCase(), reason: 'settled_by_batches' })
  })

  it('is followed by batches where the payer acknowledged a signer since, and nowhere else', async () => {
    const [since, before] = [market.anvil.wallets[1]!, market.anvil.wallets[2]!]
    const serving = market.world.inference.connect(since) as Contract
    await (await serving.getFunction('acknowledgeTEESigner')(market.provider, true)).wait()
    await market.charge(since, 5n)
    await market.charge(before, 5n)
    const { waiting } = await market.settler().settleNow()
    expect(waiting).toEqual([{ user: before.address.toLowerCase(), reason: 'settled_by_vouchers' }])
    await expectExact(since, 110n)
  })
})
