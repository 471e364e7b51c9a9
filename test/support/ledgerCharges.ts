import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { type ReceiptDetail, receiptToJson, recoverReceipt } from '../../src/protocol/receipt.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import { deliveredOf, exchangeOf, type LedgerHome, TEST_SIGNER, totalsOf } from './ledger.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const BOB = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'

/** What charges are on every database. */
export function describeCharges(newHome: () => Promise<LedgerHome>): void {
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

  describe('a charge', () => {
    it('moves the counter, takes the next number and is signed by the enclave', async () => {
      const first = await charge(ALICE, 5)
      const other = await charge(BOB, 1)
      const second = await charge(ALICE, 7)
      expect([first, other, second].map(({ receipt }) => receipt.seq)).toEqual([1, 2, 3])
      expect(first.receipt.fee).toBe(35n)
      expect(second.receipt.cumulative).toBe(35n + 41n)
      expect(recoverReceipt(second)).toBe(TEST_SIGNER.toLowerCase())
      expect(ledger.totals(ALICE)).toEqual({ user: ALICE, charged: 76n, paid: 0n })
    })

    it('says in the detail what was delivered, with a salt of its own', async () => {
      const exchange = exchangeOf(ALICE, { multipliers: { output: [1, 2] } })
      const delivered = deliveredOf(5)
      const { detail, receipt } = await ledger.charge(exchange, delivered, 'partial')
      const parsed = JSON.parse(detail) as ReceiptDetail
      expect(parsed).toMatchObject({
        v: 1,
        id: exchange.id,
        requestHash: exchange.requestHash,
        responseHash: delivered.responseHash,
        status: 'partial',
        counts: delivered.counts,
        prices: { input: '2', output: '3' },
        multipliers: { output: [1, 2] },
      })
      expect(parsed.salt).toMatch(/^[0-9a-f]{32}$/)
      expect(receipt.detail).toBe(`0x${createHash('sha256').update(detail).digest('hex')}`)
      expect(receipt.fee).toBe(20n + 7n)
    })

    it('is made once for an exchange, at the same time or later', async () => {
      const exchange = exchangeOf(ALICE)
      const [first, same] = await Promise.all([
        ledger.charge(exchange, deliveredOf(5), 'complete'),
        ledger.charge(exchange, deliveredOf(50), 'partial'),
      ])
      const later = await ledger.charge(exchange, deliveredOf(500), 'complete')
      expect(same).toEqual(first)
      expect(later).toEqual(first)
      expect(ledger.totals(ALICE).charged).toBe(35n)
    })

    it('counts the same user whatever the case of the address', async () => {
      await charge(ALICE, 1)
      await charge('0x70997970C51812dc3A010C7d01b50e0d17dc79C8', 1)
      expect(ledger.totals(ALICE).charged).toBe(46n)
    })

    it('B10, B14: is exact far above 2^63 neuron, and refused above uint96', async () => {
      const dear = (price: bigint) => exchangeOf(ALICE, { prices: { input: price, output: 0n } })
      const huge = 2n ** 95n
      await ledger.charge(dear(huge), deliveredOf(0, 1), 'complete')
      const { receipt } = await ledger.charge(dear(huge - 1n), deliveredOf(0, 1), 'complete')
      expect(receipt.cumulative).toBe(2n ** 96n - 1n)
      await expect(ledger.charge(dear(1n), deliveredOf(0, 1), 'complete')).rejects.toMatchObject({
        code: 'charge_out_of_range',
      })
      await reopen()
      expect((await totalsOf(ledger, ALICE)).charged).toBe(2n ** 96n - 1n)
    })

    it('leaves the counter alone when the fee cannot be told', async () => {
      const unpriced = exchangeOf(ALICE, { prices: { input: 2n } })
      await expect(ledger.charge(unpriced, deliveredOf(5), 'complete')).rejects.toThrow(RangeError)
      expect((await charge(ALICE, 5)).receipt).toMatchObject({ seq: 1, cumulative: 35n })
    })

    it('shares commits: a thousand at once take a handful of transactions', async () => {
      const users = [ALICE, BOB] as const
      const signed = await Promise.all(Array.from({ length: 1000 }, (_, n) => charge(users[n % 2]!, n % 50)))
      expect(signed.map(({ receipt }) => receipt.seq)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1))
      const sum = signed.reduce((total, { receipt }) => total + receipt.fee, 0n)
      await reopen()
      const totals = [await totalsOf(ledger, ALICE), await totalsOf(ledger, BOB)]
      expect(totals[0]!.charged + totals[1]!.charged).toBe(sum)
      expect(await ledger.receipts(ALICE, 0, 1000)).toHaveLength(500)
    })
  })

  describe('after a restart', () => {
    it('serves the same receipt, byte for byte', async () => {
      const exchange = exchangeOf(ALICE)
      const signed = await ledger.charge(exchange, deliveredOf(5), 'complete')
      await reopen()
      expect(JSON.stringify(receiptToJson((await ledger.receipt(exchange.id))!))).toBe(
        JSON.stringify(receiptToJson(signed)),
      )
      expect(await ledger.charge(exchange, deliveredOf(9), 'complete')).toEqual(signed)
    })

    it('goes on with the next number and the same counter', async () => {
      await charge(ALICE, 5)
      await reopen()
      expect((await charge(ALICE, 5)).receipt).toMatchObject({ seq: 2, cumulative: 70n })
    })

    it('lists the receipts of one user after a number, in order', async () => {
      for (const user of [ALICE, BOB, ALICE, ALICE] as const) await charge(user, 1)
      await reopen()
      expect((await ledger.receipts(ALICE, 1, 10)).map(({ receipt }) => receipt.seq)).toEqual([3, 4])
      expect((await ledger.receipts(ALICE, 0, 1)).map(({ receipt }) => receipt.seq)).toEqual([1])
      expect(await ledger.receipt('00'.repeat(16))).toBeNull()
    })

    it('bills what a crash cut short up to its last checkpoint, once, as partial', async () => {
      const cut = exchangeOf(ALICE)
      const gone = exchangeOf(BOB)
      await ledger.checkpoint(cut, deliveredOf(1))
      await ledger.checkpoint(cut, deliveredOf(7))
      await ledger.checkpoint(gone, deliveredOf(3))
      await ledger.discard(gone.id)
      await reopen()
      const [partial, ...others] = await ledger.recover()
      expect(others).toEqual([])
      expect(partial!.receipt.fee).toBe(41n)
      expect(JSON.parse(partial!.detail)).toMatchObject({ id: cut.id, status: 'partial' })
      expect(await ledger.recover()).toEqual([])
      await reopen()
      expect(await ledger.recover()).toEqual([])
      expect(await ledger.receipt(cut.id)).toEqual(partial)
    })

    it('never takes an exchange of the running process for one that was left behind', async () => {
      const running = exchangeOf(ALICE)
      await ledger.checkpoint(running, deliveredOf(1))
      expect(await ledger.recover()).toEqual([])
      expect((await ledger.charge(running, deliveredOf(5), 'complete')).receipt.fee).toBe(35n)
    })

    it('ignores a checkpoint that comes after the charge', async () => {
      const exchange = exchangeOf(ALICE)
      await ledger.charge(exchange, deliveredOf(5), 'complete')
      await ledger.checkpoint(exchange, deliveredOf(4))
      await reopen()
      expect(await ledger.recover()).toEqual([])
      expect((await totalsOf(ledger, ALICE)).charged).toBe(35n)
    })
  })
}
