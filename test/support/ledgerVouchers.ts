import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Address, Hex } from '../../src/base/hex.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import type { StoredVoucher } from '../../src/provider/ledger/vouchers.ts'
import type { LedgerHome } from './ledger.ts'

const address = (digit: string): Address => `0x${digit.repeat(40)}`
const ALICE = address('a')
const BOB = address('b')

const voucher = (change: Partial<StoredVoucher> = {}): StoredVoucher => ({
  user: ALICE,
  sessionKey: address('1'),
  cumulative: 100n,
  signature: `0x${'11'.repeat(65)}` as Hex,
  expiry: 2_000_000_000,
  ...change,
})

/** What every ledger keeps of vouchers, whatever its database. */
export function describeVouchers(home: () => Promise<LedgerHome>): void {
  let place: LedgerHome
  let ledger: Ledger

  beforeEach(async () => {
    place = await home()
    ledger = await place.open()
  })

  afterEach(async () => {
    await ledger.close()
    await place.remove()
  })

  async function restart(): Promise<void> {
    await ledger.close()
    ledger = await place.open()
  }

  it('keeps the highest of each session key, also as numbers grow longer', async () => {
    await ledger.vouchers.keep(voucher({ cumulative: 99n }))
    await ledger.vouchers.keep(voucher({ cumulative: 100n, signature: `0x${'22'.repeat(65)}` }))
    await ledger.vouchers.keep(voucher({ cumulative: 98n }))
    await restart()
    // Another process, which knows nothing of it, is shown a lower one.
    await ledger.vouchers.keep(voucher({ cumulative: 97n }))
    const kept = await ledger.vouchers.of([ALICE])
    expect(kept).toEqual([voucher({ cumulative: 100n, signature: `0x${'22'.repeat(65)}` })])
  })

  it('keeps those of each key and each payer apart, and finds them whatever the case', async () => {
    await ledger.vouchers.keep(voucher())
    await ledger.vouchers.keep(voucher({ sessionKey: address('2'), cumulative: 50n }))
    await ledger.vouchers.keep(voucher({ user: BOB, sessionKey: address('3'), cumulative: 7n }))
    const shouted = `0x${'A'.repeat(40)}` as Address
    expect(ledger.vouchers.known(shouted).map(({ cumulative }) => cumulative)).toEqual([100n, 50n])
    await restart()
    const totals = (await ledger.vouchers.of([shouted, BOB])).map(({ cumulative }) => cumulative)
    expect(totals.sort((a, b) => Number(a - b))).toEqual([7n, 50n, 100n])
    expect(await ledger.vouchers.of([])).toEqual([])
  })
}
