import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import type { NewSettlement } from '../../src/provider/ledger/settlements.ts'
import { deliveredOf, exchangeOf, type LedgerHome, TEST_OWNER } from './ledger.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const BOB = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'
const TAMPERED = { code: 'ledger_row_tampered' }

/** A ledger whose rows the host can reach while no broker runs. */
export interface OpenHome extends LedgerHome {
  /** As the host, in SQL. */
  change(sql: string): Promise<void>
}

/** The host owns the database: what it can do there. */
export function describeTampering(newHome: () => Promise<OpenHome>): void {
  let home: OpenHome
  let ledger: Ledger

  beforeEach(async () => {
    home = await newHome()
    ledger = await home.open()
  })

  afterEach(async () => {
    await ledger.close()
    await home.remove()
  })

  /** What the host changes while the broker is down. */
  async function tamper(sql: string): Promise<void> {
    await ledger.close()
    await home.change(sql)
    ledger = await home.open()
  }

  const charge = (user: Address, output = 5) =>
    ledger.charge(exchangeOf(user), deliveredOf(output), 'complete')

  const settlement = (user: Address, amount: bigint): NewSettlement => ({
    entry: {
      user,
      provider: TEST_OWNER.provider,
      totalFee: amount,
      requestsHash: `0x${'11'.repeat(32)}`,
      nonce: 1n,
      signature: `0x${'22'.repeat(65)}`,
    },
    throughSeq: 1,
    fromBlock: 0,
  })

  const duePayers = async () => (await ledger.settlements.due(1n)).map(({ user }) => user)

  describe('a host that changes the database', () => {
    it('cannot raise what a user was charged, and stops that user alone', async () => {
      await charge(ALICE)
      await charge(BOB)
      await tamper(`UPDATE users SET charged = '99999' WHERE "user" = '${ALICE}'`)
      await expect(charge(ALICE)).rejects.toMatchObject(TAMPERED)
      await expect(async () => {
        await ledger.refresh(ALICE)
        ledger.totals(ALICE)
      }).rejects.toMatchObject(TAMPERED)
      expect((await charge(BOB)).receipt.cumulative).toBe(70n)
      expect(await duePayers()).toEqual([BOB])
    })

    it('cannot lower what a user paid', async () => {
      await charge(ALICE)
      await ledger.settlements.store([settlement(ALICE, 35n)])
      await ledger.settlements.markDone({ user: ALICE, nonce: 1n }, 35n, `0x${'33'.repeat(32)}`)
      await tamper(`UPDATE users SET paid = '0', settled_seq = 0 WHERE "user" = '${ALICE}'`)
      await expect(charge(ALICE)).rejects.toMatchObject(TAMPERED)
      expect(await duePayers()).toEqual([])
    })

    it('cannot put one row in the place of another', async () => {
      await charge(ALICE, 50)
      await charge(BOB)
      await tamper(`UPDATE users SET charged = a.charged, last_seq = a.last_seq, mac = a.mac
        FROM (SELECT charged, last_seq, mac FROM users WHERE "user" = '${ALICE}') AS a WHERE "user" = '${BOB}'`)
      await expect(charge(BOB)).rejects.toMatchObject(TAMPERED)
    })

    it('cannot have a settlement signed again for more', async () => {
      await charge(ALICE)
      await ledger.settlements.store([settlement(ALICE, 35n)])
      await tamper(`UPDATE settlements SET total_fee = '90000', signature = '0x00'`)
      expect(await ledger.settlements.open()).toEqual([])
      expect(await duePayers()).toEqual([])
    })

    it('cannot have an amount settled twice by removing the first settlement', async () => {
      await charge(ALICE)
      await ledger.settlements.store([settlement(ALICE, 35n)])
      await tamper('DELETE FROM settlements')
      expect(await ledger.settlements.open()).toEqual([])
      expect(await duePayers()).toEqual([])
    })

    it('cannot have a total settled again by forgetting the batch that took it', async () => {
      await charge(ALICE)
      const { number } = await ledger.batches.open([ALICE])
      const block = { number: 7, hash: `0x${'44'.repeat(32)}` } as const
      await ledger.batches.book(number, new Map([[ALICE, 35n]]), { txHash: null, block })
      await tamper(`UPDATE users SET paid = '0', settled = '0' WHERE "user" = '${ALICE}'`)
      await expect(charge(ALICE)).rejects.toMatchObject(TAMPERED)
      expect(await ledger.batches.owing(1n)).toEqual([])
    })

    it('cannot have a batch booked for others: what it did not write is not looked at', async () => {
      await charge(ALICE)
      await ledger.batches.open([ALICE])
      await tamper(`UPDATE batches SET payers = '[["${BOB}","1",0]]'`)
      expect(await ledger.batches.unfinished()).toEqual([])
      expect(await ledger.batches.owing(1n)).toMatchObject([{ user: ALICE, amount: 35n }])
    })

    it('cannot name another epoch', async () => {
      await ledger.numbers.enter(3, 1000)
      expect(await ledger.numbers.epoch()).toEqual({ epoch: 3, since: 1000, isHere: true })
      await tamper('UPDATE epochs SET epoch = 2')
      await expect(ledger.numbers.epoch()).rejects.toMatchObject(TAMPERED)
    })

    it('cannot add receipts to what is owed, or take some away', async () => {
      await charge(ALICE)
      await charge(ALICE)
      await tamper(`UPDATE receipts SET cumulative = '99999' WHERE seq = 2`)
      expect(await duePayers()).toEqual([])
      await tamper('DELETE FROM receipts WHERE seq = 2')
      expect(await duePayers()).toEqual([])
    })

    it('cannot invent an exchange that a crash left behind', async () => {
      await charge(BOB)
      const exchange = exchangeOf(ALICE, { prices: { input: 10n ** 18n } })
      const text = JSON.stringify(exchange, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
      await tamper(`INSERT INTO exchanges (id, exchange, delivered, replica, mac)
        VALUES ('${exchange.id}', '${text}', '${JSON.stringify(deliveredOf(1))}', 'gone', '00')`)
      expect(await ledger.recover()).toEqual([])
      expect(await ledger.receipt(exchange.id)).toBeNull()
    })
  })
}
