import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Address, hexToBytes } from '../../src/base/hex.ts'
import type { Ledger, NewSettlement } from '../../src/provider/ledger/ledger.ts'
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
      const due = (await ledger.due(1n)).sort((a, b) => b.throughSeq - a.throughSeq)
      expect(due).toEqual([
        { user: ALICE, amount: 73n, throughSeq: 3, requestsHash: `0x${hash.digest('hex')}` },
        expect.objectContaining({ user: BOB, amount: 23n, throughSeq: 2 }),
      ])
      expect((await ledger.due(24n)).map(({ user }) => user)).toEqual([ALICE])
    })

    it('waits while a settlement is open, and keeps what a partial one left', async () => {
      await charge(ALICE, 5)
      const [before] = await ledger.due(1n)
      await ledger.storeSettlements([settlement(4n, 35n, 1)])
      await charge(ALICE, 5)
      expect(await ledger.due(1n)).toEqual([])
      await ledger.markSent([{ user: ALICE, nonce: 4n }], TX)
      await reopen()
      expect(await ledger.openSettlements()).toEqual([
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
      await ledger.markDone({ user: ALICE, nonce: 4n }, 30n, TX)
      expect(ledger.openSettlement(ALICE)).toBeNull()
      const [rest] = await ledger.due(1n)
      expect(rest).toMatchObject({ amount: 40n, throughSeq: 2 })
      expect(rest!.requestsHash).not.toBe(before!.requestsHash)
      await reopen()
      expect(await ledger.due(1n)).toEqual([rest])
      expect(await ledger.lastNonce(ALICE)).toBe(4n)
      expect(await totalsOf(ledger, ALICE)).toEqual({ user: ALICE, charged: 70n, paid: 30n })
    })

    it('is nothing after everything was paid, and a settlement is booked once', async () => {
      await charge(ALICE, 5)
      await ledger.storeSettlements([settlement(1n, 35n, 1)])
      await ledger.markDone({ user: ALICE, nonce: 1n }, 35n, TX)
      await ledger.markDone({ user: ALICE, nonce: 1n }, 35n, TX)
      expect((await totalsOf(ledger, ALICE)).paid).toBe(35n)
      expect(await ledger.due(1n)).toEqual([])
    })

    it('comes back when the settlement can never be paid', async () => {
      await charge(ALICE, 5)
      const due = await ledger.due(1n)
      await ledger.storeSettlements([settlement(1n, 35n, 1)])
      await ledger.markVoid({ user: ALICE, nonce: 1n })
      expect(await ledger.due(1n)).toEqual(due)
    })

    it('B6: refuses a second open settlement and a nonce that was used', async () => {
      await charge(ALICE, 5)
      await ledger.storeSettlements([settlement(2n, 35n, 1)])
      await expect(ledger.storeSettlements([settlement(3n, 35n, 1)])).rejects.toMatchObject({
        code: 'settlement_out_of_order',
      })
      await ledger.markVoid({ user: ALICE, nonce: 2n })
      await expect(ledger.storeSettlements([settlement(2n, 35n, 1)])).rejects.toMatchObject({
        code: 'settlement_out_of_order',
      })
    })
  })
}
