import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CountedKey } from '../../src/provider/ledger/keySpending.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import { deliveredOf, exchangeOf, totalsOf } from './ledger.ts'
import type { OpenHome } from './tampering.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const DAILY: CountedKey = { id: `0x${'d1'.repeat(32)}`, per: 'day' }
const TOTAL: CountedKey = { id: `0x${'70'.repeat(32)}`, per: 'total' }

/** What counting the charges of a key is on every database. */
export function describeKeySpending(newHome: () => Promise<OpenHome>): void {
  describe('what a key with a limit spends', () => {
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

    const charge = (key: CountedKey, output = 5) =>
      ledger.charge(exchangeOf(ALICE, { key }), deliveredOf(output), 'complete')

    const reopen = async () => {
      await ledger.close()
      ledger = await home.open()
      for (const { id } of [DAILY, TOTAL]) await ledger.refresh(ALICE, id)
    }

    it('is counted with each charge, apart from other keys, and is there after a restart', async () => {
      await charge(DAILY)
      await charge(TOTAL, 1)
      await charge(DAILY)
      await ledger.charge(exchangeOf(ALICE), deliveredOf(5), 'complete')
      const spent = () => [ledger.spent(DAILY), ledger.spent(TOTAL)]
      expect(spent()).toEqual([70n, 23n])
      await reopen()
      expect(spent()).toEqual([70n, 23n])
      const listed = await ledger.keySpending(ALICE)
      expect(new Map(listed.map((key) => [key.id, key.spent]))).toEqual(
        new Map([
          [DAILY.id, 70n],
          [TOTAL.id, 23n],
        ]),
      )
      expect(await ledger.keySpending('0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc')).toEqual([])
    })

    it('has nothing of an exchange that was charged before, or charged nothing', async () => {
      const exchange = exchangeOf(ALICE, { key: TOTAL })
      await ledger.charge(exchange, deliveredOf(5), 'complete')
      await ledger.charge(exchange, deliveredOf(500), 'complete')
      await ledger.discard(exchangeOf(ALICE, { key: TOTAL }).id)
      expect(ledger.spent(TOTAL)).toBe(35n)
    })

    it('has what a broker left behind that was killed', async () => {
      await ledger.checkpoint(exchangeOf(ALICE, { key: DAILY }), deliveredOf(1))
      await reopen()
      await ledger.recover()
      expect(ledger.spent(DAILY)).toBe(23n)
    })

    it('is dropped a month after its day, and kept where it is of all time', async () => {
      await charge(DAILY)
      await charge(TOTAL)
      await ledger.close()
      await home.change('UPDATE key_spending SET day = day - 31 WHERE day > 0')
      ledger = await home.open()
      for (const { id } of [DAILY, TOTAL]) await ledger.refresh(ALICE, id)
      expect((await ledger.keySpending(ALICE)).map(({ id }) => id)).toEqual([TOTAL.id])
      await charge(DAILY)
      expect([ledger.spent(DAILY), ledger.spent(TOTAL)]).toEqual([35n, 35n])
    })

    it('cannot be lowered by the host: the key spends nothing any more, and what was delivered is charged', async () => {
      await charge(TOTAL)
      await ledger.close()
      await home.change("UPDATE key_spending SET spent = '0'")
      ledger = await home.open()
      await ledger.refresh(ALICE, TOTAL.id)
      expect(() => ledger.spent(TOTAL)).toThrow(expect.objectContaining({ code: 'ledger_row_tampered' }))
      await charge(TOTAL)
      expect((await totalsOf(ledger, ALICE)).charged).toBe(70n)
    })
  })
}
