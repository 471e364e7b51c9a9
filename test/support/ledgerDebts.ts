import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Address, hexToBytes } from '../../src/base/hex.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import type { NewSettlement } from '../../src/provider/ledger/settlements.ts'
import { deliveredOf, exchangeOf, type LedgerHome, TEST_OWNER, totalsOf } from './ledger.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const BOB = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'

/** What is owed and settled on every database. */
export function describeDebts(newHome: () => Promise<LedgerHome>): void {
  let home: LedgerHome
  let ledger: Ledger

  beforeEach(async () => {
    home = await newHome()
    ledger = await home.open()
  })

  afterEach(async () => {
    await ledger.close()
    await home.remove()
  })

  async function reopen(): Promise<void> {
    await ledger.close()
    ledger = await home.open()
  }

  const charge = (user: Address, output: number) =>
    ledger.charge(exchangeOf(user), deliveredOf(output), 'complete')

  describe('what is due', () => {
    const settlement = (nonce: bigint, amount: bigint, throughSeq: number): NewSettlement => ({
      entry: {
        user: ALICE,
        provider: TEST_OWNER.provider,
        totalFee: amount,
        requestsHash: `0x${'11'.repeat(32)}`,
        nonce,
        signature: `0x${'22'.repeat(65)}`,
      },
      throughSeq,
      fromBlock: 7,
    })
    const TX = `0x${'33'.repeat(32)}` as const

    it('is what is charged and not paid, under the hash of its receipts', async () => {
      const signed = [await charge(ALICE, 5), await charge(BOB, 1), await charge(ALICE, 6)]
      const hash = createHash('sha256')
      for (const { receipt } of [signed[0]!, signed[2]!]) hash.update(hexToBytes(receipt.detail))
      const due = (await ledger.settlements.due(1n)).sort((a, b) => b.throughSeq - a.throughSeq)
      expect(due).toEqual([
        { user: ALICE, amount: 73n, throughSeq: 3, requestsHash: `0x${hash.digest('hex')}` },
        expect.objectContaining({ user: BOB, amount: 23n, throughSeq: 2 }),
      ])
      expect((await ledger.settlements.due(24n)).map(({ user }) => user)).toEqual([ALICE])
    })

    it('waits while a settlement is open, and keeps what a partial one left', async () => {
      await charge(ALICE, 5)
      const [before] = await ledger.settlements.due(1n)
      await ledger.settlements.store([settlement(4n, 35n, 1)])
      await charge(ALICE, 5)
      expect(await ledger.settlements.due(1n)).toEqual([])
      await ledger.settlements.markSent([{ user: ALICE, nonce: 4n }], TX)
      await reopen()
      expect(await ledger.settlements.open()).toEqual([
        {
          ...settlement(4n, 35n, 1),
          state: 'open',
          txHash: TX,
          paid: 0n,
          afterSeq: 0,
          throughTotal: 35n,
          block: null,
        },
      ])
      await ledger.settlements.markDone({ user: ALICE, nonce: 4n }, 30n, TX)
      expect(ledger.openSettlement(ALICE)).toBeNull()
      const [rest] = await ledger.settlements.due(1n)
      expect(rest).toMatchObject({ amount: 40n, throughSeq: 2 })
      expect(rest!.requestsHash).not.toBe(before!.requestsHash)
      await reopen()
      expect(await ledger.settlements.due(1n)).toEqual([rest])
      expect(await ledger.settlements.lastNonce(ALICE)).toBe(4n)
      expect(await totalsOf(ledger, ALICE)).toEqual({ user: ALICE, charged: 70n, paid: 30n })
    })

    it('is nothing after everything was paid, and a settlement is booked once', async () => {
      await charge(ALICE, 5)
      await ledger.settlements.store([settlement(1n, 35n, 1)])
      await ledger.settlements.markDone({ user: ALICE, nonce: 1n }, 35n, TX)
      await ledger.settlements.markDone({ user: ALICE, nonce: 1n }, 35n, TX)
      expect((await totalsOf(ledger, ALICE)).paid).toBe(35n)
      expect(await ledger.settlements.due(1n)).toEqual([])
    })

    it('comes back when the settlement can never be paid', async () => {
      await charge(ALICE, 5)
      const due = await ledger.settlements.due(1n)
      await ledger.settlements.store([settlement(1n, 35n, 1)])
      await ledger.settlements.markVoid({ user: ALICE, nonce: 1n })
      expect(await ledger.settlements.due(1n)).toEqual(due)
    })

    it('B6: refuses a second open settlement and a nonce that was used', async () => {
      await charge(ALICE, 5)
      await ledger.settlements.store([settlement(2n, 35n, 1)])
      await expect(ledger.settlements.store([settlement(3n, 35n, 1)])).rejects.toMatchObject({
        code: 'settlement_out_of_order',
      })
      await ledger.settlements.markVoid({ user: ALICE, nonce: 2n })
      await expect(ledger.settlements.store([settlement(2n, 35n, 1)])).rejects.toMatchObject({
        code: 'settlement_out_of_order',
      })
    })
  })
  describe('a batch', () => {
    const block = (number: number) => ({
      number,
      hash: `0x${number.toString(16).padStart(64, '0')}` as const,
    })
    const TX = `0x${'33'.repeat(32)}` as const

    it('takes a number between receipts, and asks for what was charged below it', async () => {
      await charge(ALICE, 5)
      const [batch, later] = await Promise.all([ledger.batches.open([ALICE, BOB]), charge(ALICE, 5)])
      expect(batch.payers).toEqual([
        { user: ALICE, cumulative: batch.number < later.receipt.seq ? 35n : 70n, afterSeq: 0 },
      ])
      expect(batch.number).not.toBe(later.receipt.seq)
      await reopen()
      expect(await ledger.batches.unfinished()).toEqual([batch])
      expect(await ledger.numbers.last()).toBe(3)
      expect((await charge(ALICE, 5)).receipt.seq).toBe(4)
    })

    it('is booked as the chain took it: in part, again, and back', async () => {
      await charge(ALICE, 5)
      const { number } = await ledger.batches.open([ALICE])
      await ledger.batches.markSent(number, TX)
      await ledger.batches.book(number, new Map([[ALICE, 30n]]), { txHash: TX, block: block(7) })
      expect(await totalsOf(ledger, ALICE)).toEqual({ user: ALICE, charged: 35n, paid: 30n })
      expect(await ledger.batches.owing(1n)).toEqual([{ user: ALICE, amount: 5n, settled: 30n }])
      expect(ledger.owed(ALICE, { nonce: 0n, settled: 30n })).toBe(5n)
      expect(ledger.owed(ALICE, { nonce: 0n, settled: 0n })).toBe(35n)
      const next = await ledger.batches.open([ALICE])
      await ledger.batches.book(next.number, new Map([[ALICE, 35n]]), { txHash: TX, block: block(8) })
      await ledger.batches.book(number, new Map([[ALICE, 30n]]), { txHash: TX, block: block(7) })
      expect((await totalsOf(ledger, ALICE)).paid).toBe(35n)
      expect((await ledger.unsettled()).oldestIssuedAt).toBeNull()
      await reopen()
      await ledger.batches.rebook(next.number, new Map([[ALICE, 30n]]), block(9))
      expect((await totalsOf(ledger, ALICE)).paid).toBe(30n)
      expect((await ledger.unsettled()).oldestIssuedAt).not.toBeNull()
      await ledger.batches.markFinal(number)
      await ledger.batches.markVoid(next.number)
      await reopen()
      expect(await ledger.batches.unfinished()).toEqual([])
    })

    it('leaves apart what was taken by differences', async () => {
      await charge(ALICE, 5)
      const entry = {
        user: ALICE,
        provider: TEST_OWNER.provider,
        totalFee: 20n,
        requestsHash: `0x${'11'.repeat(32)}`,
        nonce: 1n,
        signature: `0x${'22'.repeat(65)}`,
      } as const
      await ledger.settlements.store([{ entry, throughSeq: 1, fromBlock: 7 }])
      expect(await ledger.batches.owing(1n)).toEqual([])
      await ledger.settlements.markDone(entry, 20n, TX)
      const { number, payers } = await ledger.batches.open([ALICE])
      expect(payers).toMatchObject([{ cumulative: 15n }])
      await ledger.batches.book(number, new Map([[ALICE, 15n]]), { txHash: TX, block: block(7) })
      expect((await totalsOf(ledger, ALICE)).paid).toBe(35n)
    })

    it('taken by a ledger that is lost counts as charged and paid, and a receipt that is shown as owed', async () => {
      await ledger.batches.adopt(ALICE, 100n)
      expect(await totalsOf(ledger, ALICE)).toEqual({ user: ALICE, charged: 100n, paid: 100n })
      expect((await charge(ALICE, 5)).receipt.cumulative).toBe(135n)
      await ledger.batches.raise(ALICE, 150n)
      await ledger.batches.raise(ALICE, 140n)
      expect(await totalsOf(ledger, ALICE)).toMatchObject({ charged: 150n, paid: 100n })
      await reopen()
      expect((await charge(ALICE, 5)).receipt.cumulative).toBe(185n)
    })
  })

  describe('numbers', () => {
    it('go on where an epoch begins, and never back', async () => {
      await charge(ALICE, 5)
      await ledger.numbers.enter(2, 1000)
      expect((await charge(ALICE, 5)).receipt.seq).toBe(2 * 2 ** 32 + 1)
      await ledger.numbers.skipTo(5)
      await ledger.numbers.skipTo(2 * 2 ** 32 + 100)
      expect((await charge(ALICE, 5)).receipt.seq).toBe(2 * 2 ** 32 + 100)
      await reopen()
      expect(await ledger.numbers.epoch()).toEqual({ epoch: 2, since: 1000, isHere: true })
      expect((await charge(ALICE, 5)).receipt.seq).toBe(2 * 2 ** 32 + 101)
    })
  })
}
