import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../../../src/base/nodeSqlite.ts'
import { freshFolder, openLedger, sqliteHome } from '../../support/ledger.ts'
import { describeVouchers } from '../../support/ledgerVouchers.ts'

describe('vouchers in SQLite', () => {
  describeVouchers(sqliteHome)

  it('forgets a row that somebody changed: its payer shows the voucher again', async () => {
    const folder = freshFolder()
    const user = `0x${'a'.repeat(40)}` as const
    const voucher = {
      user,
      sessionKey: `0x${'1'.repeat(40)}` as const,
      cumulative: 100n,
      signature: `0x${'11'.repeat(65)}` as const,
      expiry: 2_000_000_000,
    }
    const before = await openLedger(folder)
    await before.vouchers.keep(voucher)
    await before.close()
    const file = new sqlite.DatabaseSync(join(folder, 'ledger.sqlite'))
    file.exec("UPDATE vouchers SET cumulative = '900'")
    file.close()
    const ledger = await openLedger(folder)
    expect(ledger.vouchers.known(user)).toEqual([])
    await ledger.vouchers.keep({ ...voucher, cumulative: 1000n })
    expect(await ledger.vouchers.of([user])).toEqual([{ ...voucher, cumulative: 1000n }])
    await ledger.close()
    rmSync(folder, { recursive: true })
  })
})
