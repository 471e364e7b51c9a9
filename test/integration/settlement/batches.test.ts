import { type Contract, keccak256, parseEther } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { readSettled } from '../../../src/chain/batches.ts'
import { encodeBatchRows, signBatch } from '../../../src/protocol/batch.ts'
import { signSettlement } from '../../../src/protocol/settlement.ts'
import { AccountBook } from '../../../src/provider/accounts.ts'
import type { TestWallet } from '../../support/anvil.ts'
import { call, mined, topUp } from '../../support/deployed.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import { TEST_KEY } from '../../support/ledger.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe('settlement in batches', () => {
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

  const totals = (user: TestWallet) => market.ledger.totals(user.address as Address)
  const as = (user: TestWallet) => market.world.inference.connect(user) as Contract

  async function expectExact(user: TestWallet, neuron: bigint): Promise<void> {
    expect(totals(user)).toMatchObject({ charged: neuron, paid: neuron })
    expect(await paidOnChain(market, user)).toBe(neuron)
  }

  /** A batch that this broker does not know, as another replica may have sent it. */
  async function settleElsewhere(user: TestWallet, cumulative: bigint): Promise<void> {
    const { inference } = market.world
    const batch = {
      provider: market.provider,
      upTo: (await market.ledger.numbers.last()) + 1,
      asOf: (await market.anvil.rpc.getBlock('latest'))!.timestamp,
      rows: [{ user: user.address as Address, cumulative }],
    }
    const signature = signBatch(TEST_KEY, 31337, inference.target as Address, batch)
    const { provider, upTo, asOf, rows } = batch
    await mined(
      call(as(market.operator), 'settleBatch', provider, upTo, asOf, encodeBatchRows(rows), signature),
    )
  }

  it('numbers a batch above every receipt that it covers, and below every later one', async () => {
    const alice = await newUser(market, 1)
    await market.charge(alice, 100n)
    const before = await market.ledger.numbers.last()
    await market.settler().settleNow()
    const { settled, upTo, mode } = await readSettled(
      market.world.inference,
      alice.address as Address,
      market.provider,
    )
    expect({ settled, mode }).toEqual({ settled: 100n, mode: 'batch' })
    expect(upTo).toBe(before + 1)
    await market.charge(alice, 1n)
    const later = await market.ledger.receipts(alice.address as Address, upTo, 10)
    expect(later.map(({ receipt }) => receipt.cumulative)).toEqual([101n])
    await market.restart()
    expect(await market.ledger.numbers.last()).toBe(upTo + 1)
  })

  it('books what another process settled, and asks for the rest alone', async () => {
    const bob = await newUser(market, 2)
    await market.charge(bob, 100n)
    await settleElsewhere(bob, 60n)
    await market.settler().settleNow()
    await expectExact(bob, 100n)
    await market.charge(bob, 10n)
    await settleElsewhere(bob, 110n)
    const report = await market.settler().settleNow()
    expect(report.payments.filter(({ user }) => user === bob.address.toLowerCase())).toEqual([])
    await expectExact(bob, 110n)
  })

  it('knows within a block what a batch of another took from an account, though it names no provider', async () => {
    const user = market.anvil.wallets[1]!
    await market.charge(user, 1n)
    const told: bigint[] = []
    const book = new AccountBook({
      rpc: market.anvil.rpc,
      contract: market.world.inference,
      provider: market.provider,
      log: silentLogger,
      pollMs: 30,
      blocksOnDemand: true,
      onSettled: async (_user, settled) => void told.push(settled),
    })
    await book.start()
    try {
      const before = (await book.get(user.address as Address))!
      expect(before.settled).toBe(101n)
      await settleElsewhere(user, 102n)
      await expect
        .poll(() => book.known(user.address as Address))
        .toMatchObject({ settled: 102n, balance: before.balance - 1n })
      await expect.poll(() => told).toEqual([101n, 102n])
    } finally {
      await book.stop()
    }
    await market.settler().settleNow()
    await expectExact(user, 102n)
  })

  it('finds a payment whose transaction was given up', async () => {
    const carol = await newUser(market, 3)
    await market.charge(carol, 100n)
    await market.anvil.rpc.send('evm_setAutomine', [false])
    const cut = await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
    expect(cut.waiting).toContainEqual({ user: carol.address.toLowerCase(), reason: 'outcome_unknown' })
    const raw = rpc.sent.at(-1)!
    await market.anvil.rpc.send('anvil_dropTransaction', [keccak256(raw)])
    rpc.decide = (method) => (method === 'eth_sendRawTransaction' ? 'drop-call' : 'none')
    await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
    rpc.decide = () => 'none'
    await market.anvil.rpc.send('evm_setAutomine', [true])
    await market.anvil.rpc.send('eth_sendRawTransaction', [raw])
    expect(totals(carol).paid).toBe(0n)
    await market.restart()
    await market.settler({ rpcUrl: rpc.url }).settleNow()
    await expectExact(carol, 100n)
  })

  it('charges an account for one lock time after its acknowledgement was withdrawn, and says what waits after', async () => {
    const dave = await newUser(market, 4)
    await market.charge(dave, 100n)
    await mined(call(as(dave), 'withdrawAcknowledgement', market.provider))
    expect((await market.account(dave))!.acknowledged).toBe(false)
    await market.settler().settleNow()
    await expectExact(dave, 100n)
    await market.charge(dave, 1n)
    await market.anvil.rpc.send('evm_increaseTime', [90_000])
    await market.anvil.rpc.send('evm_mine', [])
    const sentBefore = await market.operator.getNonce()
    const { waiting } = await market.settler().settleNow()
    expect(waiting).toEqual([{ user: dave.address.toLowerCase(), reason: 'account_not_acknowledged' }])
    expect(await market.operator.getNonce()).toBe(sentBefore)
    await mined(call(as(dave), 'acknowledgeTEESigner', market.provider, true))
    await market.settler().settleNow()
    await expectExact(dave, 101n)
  })

  it('takes no matured refund, spends no gas on one, and takes a refund that is asked for too late', async () => {
    const erin = await newUser(market, 5)
    const ledger = market.world.ledger.connect(erin) as Contract
    await mined(call(ledger, 'retrieveFund', [market.provider], 'inference-v1.0'))
    await market.charge(erin, parseEther('0.25'))
    await market.settler().settleNow()
    await expectExact(erin, parseEther('0.25'))
    await market.anvil.rpc.send('evm_increaseTime', [90_000])
    await market.anvil.rpc.send('evm_mine', [])
    await market.charge(erin, 5n)
    const sentBefore = await market.operator.getNonce()
    const { waiting } = await market.settler().settleNow()
    expect(waiting).toContainEqual({ user: erin.address.toLowerCase(), reason: 'account_empty' })
    expect(await market.operator.getNonce()).toBe(sentBefore)
    await topUp(market.world, erin, market.provider, '1')
    await market.settler().settleNow()
    await expectExact(erin, parseEther('0.25') + 5n)
  })

  it('switches an account with a history of differences, which stay counted apart', async () => {
    const frank = await newUser(market, 6)
    const user = frank.address.toLowerCase() as Address
    const contract = market.world.inference.target as Address
    const sign = (totalFee: bigint, nonce: bigint) => {
      const requestsHash = `0x${'11'.repeat(32)}` as const
      const entry = { user, provider: market.provider, totalFee, requestsHash, nonce }
      return { ...entry, signature: signSettlement(TEST_KEY, 31337, contract, entry) }
    }
    await market.charge(frank, 100n)
    const paid = { entry: sign(40n, 1n), throughSeq: 0, fromBlock: 0 }
    await market.ledger.settlements.store([paid])
    await market.settler().settleNow()
    expect((await market.account(frank))!.nonce).toBe(1n)
    // The same run ends the difference that was signed before, and settles the rest by a total of its own.
    await expectExact(frank, 100n)
    const word = await readSettled(market.world.inference, user, market.provider)
    expect(word).toMatchObject({ settled: 60n, mode: 'batch' })

    await market.charge(frank, 7n)
    await market.ledger.settlements.store([{ entry: sign(7n, 2n), throughSeq: 0, fromBlock: 0 }])
    await market.settler().settleNow()
    expect(await market.ledger.settlements.open()).toEqual([])
    await market.settler().settleNow()
    await expectExact(frank, 107n)
    expect((await market.account(frank))!.nonce).toBe(1n)
  })

  it('tells the age of what should be on chain apart from that of crumbs', async () => {
    const [grace, crumbs] = [market.anvil.wallets[1]!, market.anvil.wallets[2]!]
    await market.settler().settleNow()
    expect(await market.ledger.unsettled(50n)).toEqual({ owed: 0n, oldestIssuedAt: null, oldestDueAt: null })
    await market.charge(crumbs, 1n)
    expect(await market.ledger.unsettled(50n)).toMatchObject({ owed: 1n, oldestDueAt: null })
    await market.charge(grace, 50n)
    const { oldestIssuedAt, oldestDueAt } = await market.ledger.unsettled(50n)
    expect(oldestDueAt).toBeGreaterThanOrEqual(oldestIssuedAt!)
  })
})
