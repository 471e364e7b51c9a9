import { AbiCoder, type Contract, keccak256, toBeHex, ZeroHash } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TeeSettlementEntry } from '../../../src/chain/inference.ts'
import { signSettlement } from '../../../src/protocol/settlement.ts'
import type { TestWallet } from '../../support/anvil.ts'
import { call } from '../../support/deployed.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import { TEST_KEY } from '../../support/ledger.ts'
import { type Market, newUser, openMarket, paidOnChain } from './market.ts'

describe.each(['theirs', 'ours'] as const)('settlement through faults on %s contracts', (contracts) => {
  let market: Market
  let rpc: FaultyRpc

  beforeAll(async () => {
    market = await openMarket(contracts)
    rpc = await startFaultyRpc(market.anvil.url)
  })

  afterAll(async () => {
    await rpc.stop()
    await market.stop()
  })

  const totals = (user: TestWallet) => market.ledger.totals(user.address as `0x${string}`)

  it('pays once when the answer to the transaction is lost', async () => {
    const alice = await newUser(market, 1)
    await market.charge(alice, 100n)
    failFor('drop-answer', 'eth_sendRawTransaction')
    const report = await market.settler({ rpcUrl: rpc.url }).settleNow()
    expect(report.paid).toBe(100n)
    await expectPaidOnce(alice, 100n)
  })

  it('sends the same bytes again when the chain never got them', async () => {
    const bob = await newUser(market, 2)
    await market.charge(bob, 100n)
    const sentBefore = rpc.sent.length
    let attempts = 0
    rpc.decide = (method) => (method === 'eth_sendRawTransaction' && ++attempts < 3 ? 'drop-call' : 'none')
    expect((await market.settler({ rpcUrl: rpc.url }).settleNow()).paid).toBe(100n)
    expect(attempts).toBe(3)
    expect(rpc.sent.length).toBe(sentBefore + 1)
    await expectPaidOnce(bob, 100n)
  })

  it('finds out after a restart what became of an answer that was lost', async () => {
    const carol = await newUser(market, 3)
    await market.charge(carol, 100n)
    let isCut = false
    rpc.decide = (method) => {
      if (isCut) return 'drop-call'
      isCut = method === 'eth_sendRawTransaction'
      return isCut ? 'drop-answer' : 'none'
    }
    const cut = await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
    expect(cut.waiting).toEqual([{ user: carol.address.toLowerCase(), reason: 'outcome_unknown' }])
    await market.charge(carol, 11n)
    await market.restart()
    rpc.decide = () => 'none'
    const report = await market.settler({ rpcUrl: rpc.url }).settleNow()
    expect(report.payments.map(({ paid }) => paid)).toEqual([100n, 11n])
    await expectPaidOnce(carol, 111n)
  })

  it('B8: concludes nothing while the chain does not answer, and says so', async () => {
    const grace = await newUser(market, 7)
    await market.charge(grace, 100n)
    rpc.decide = () => 'drop-call'
    const report = await market.settler({ rpcUrl: rpc.url }).settleNow()
    expect(report).toMatchObject({ payments: [], problem: { code: 'rpc_unreachable' } })
    rpc.decide = () => 'none'
    expect((await market.settler({ rpcUrl: rpc.url }).settleNow()).paid).toBe(100n)
    await expectPaidOnce(grace, 100n)
  })

  it('pays once whatever call fails, one after the other', { timeout: 240_000 }, async () => {
    const user = market.anvil.wallets[7]!
    const before = await paidOnChain(market, user)
    const rounds = 12
    for (let failing = 1; failing <= rounds; failing++) {
      await market.charge(user, 10n)
      let calls = 0
      rpc.decide = () => (++calls === failing ? (failing % 2 ? 'drop-answer' : 'drop-call') : 'none')
      await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 500 }).settleNow()
      rpc.decide = () => 'none'
      await market.settler({ rpcUrl: rpc.url }).settleNow()
      expect(await paidOnChain(market, user)).toBe(before + 10n * BigInt(failing))
    }
    expect(totals(user).paid).toBe(totals(user).charged)
  })

  // Differences are stored before they are sent; the storage's layout is known for the deployed contracts.
  if (contracts === 'theirs') {
    it('sends a stored settlement again after a restart, as the same bytes', async () => {
      const dave = await newUser(market, 4)
      await market.charge(dave, 100n)
      failFor('drop-call', 'eth_sendRawTransaction')
      await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
      const [stored] = await market.ledger.settlements.open()
      await market.restart()
      rpc.decide = () => 'none'
      expect((await market.settler({ rpcUrl: rpc.url }).settleNow()).paid).toBe(100n)
      expect(rpc.sent.at(-1)).toContain(stored!.entry.signature.slice(2))
      await expectPaidOnce(dave, 100n)
    })

    it('finds a payment whose transaction it never heard of', async () => {
      const erin = await newUser(market, 5)
      await market.charge(erin, 100n)
      failFor('drop-call', 'eth_sendRawTransaction')
      await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
      const { entry } = (await market.ledger.settlements.open())[0]!
      await settleDirectly(entry)
      rpc.decide = () => 'none'
      expect((await market.settler({ rpcUrl: rpc.url }).settleNow()).paid).toBe(100n)
      await expectPaidOnce(erin, 100n)
    })

    it('counts what another entry paid when that used the nonce up, and owes the rest again', async () => {
      const frank = await newUser(market, 6)
      await market.charge(frank, 100n)
      failFor('drop-call', 'eth_sendRawTransaction')
      await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
      const { entry } = (await market.ledger.settlements.open())[0]!
      await settleDirectly(signed({ ...entry, totalFee: 7n, nonce: entry.nonce + 5n }))
      rpc.decide = () => 'none'
      const report = await market.settler({ rpcUrl: rpc.url }).settleNow()
      expect(report.payments).toMatchObject([{ paid: 93n, nonce: entry.nonce + 6n }])
      expect(totals(frank)).toMatchObject({ charged: 100n, paid: 100n })
      expect(await paidOnChain(market, frank)).toBe(100n)
    })

    it('does not take an entry for replaced while the node hides the transaction that paid it', async () => {
      const heidi = await newUser(market, 8)
      await market.charge(heidi, 100n)
      failFor('drop-call', 'eth_sendRawTransaction')
      await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
      const { entry } = (await market.ledger.settlements.open())[0]!
      const hidden = await settleDirectly(entry)
      await settleDirectly(signed({ ...entry, totalFee: 7n, nonce: entry.nonce + 5n }))
      rpc.decide = () => 'none'
      rpc.rewrite = (call) =>
        call.method === 'eth_getTransactionReceipt' && call.params[0] === hidden
          ? { ...call, params: [ZeroHash] }
          : call
      const report = await market.settler({ rpcUrl: rpc.url, receiptTimeoutMs: 300 }).settleNow()
      expect(report).toMatchObject({ payments: [], waiting: [{ reason: 'outcome_unknown' }] })
      rpc.rewrite = (call) => call
      expect((await market.settler({ rpcUrl: rpc.url }).settleNow()).payments).toMatchObject([{ paid: 100n }])
      expect(await paidOnChain(market, heidi)).toBe(107n)
    })

    it('lets nobody wait for an entry at which the contract reverts', async () => {
      const [broken, sound] = [market.anvil.wallets[1]!, market.anvil.wallets[2]!]
      await pretendNothingIsLocked(broken)
      await market.charge(broken, 10n)
      await market.charge(sound, 10n)
      rpc.decide = () => 'none'
      const report = await market.settler({ rpcUrl: rpc.url }).settleNow()
      expect(report).toMatchObject({ paid: 10n, problem: null })
      expect(report.waiting).toEqual([{ user: broken.address.toLowerCase(), reason: 'refused' }])
      expect(totals(broken)).toMatchObject({ charged: 110n, paid: 100n })
    })
  }

  /** Writes available = total into their ledger's storage. @see contracts.md section 1.1 and W-11 */
  async function pretendNothingIsLocked(user: TestWallet): Promise<void> {
    const base = 0x0bb5d42557ea6926c17416c5b1c1c29c28d9006d6f713295a2d385f07156ed00n
    const coder = AbiCoder.defaultAbiCoder()
    const key = keccak256(coder.encode(['address'], [user.address]))
    const slot = BigInt(keccak256(coder.encode(['bytes32', 'uint256'], [key, base + 7n])))
    const total = await market.anvil.rpc.getStorage(market.world.network.ledger, slot + 2n)
    const at = toBeHex(slot + 1n, 32)
    await market.anvil.rpc.send('anvil_setStorageAt', [market.world.network.ledger, at, total])
  }

  function failFor(fault: 'drop-answer' | 'drop-call', method: string): void {
    rpc.decide = (called) => (called === method ? fault : 'none')
  }

  async function expectPaidOnce(user: TestWallet, neuron: bigint): Promise<void> {
    expect(totals(user)).toMatchObject({ charged: neuron, paid: neuron })
    expect(await paidOnChain(market, user)).toBe(neuron)
    expect(await market.ledger.settlements.open()).toEqual([])
  }

  const signed = (entry: TeeSettlementEntry): TeeSettlementEntry => ({
    ...entry,
    signature: signSettlement(TEST_KEY, 31337, market.world.network.inference, entry),
  })

  async function settleDirectly(entry: TeeSettlementEntry): Promise<string> {
    const contract = market.world.inference.connect(market.operator) as Contract
    const sent = await call(contract, 'settleFeesWithTEE', [entry])
    await sent.wait()
    return sent.hash
  }
})
