import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { openLedger as openAny } from '../../../src/provider/ledger/openLedger.ts'
import type { SqliteLedger } from '../../../src/provider/ledger/sqlite/sqliteLedger.ts'
import {
  deliveredOf,
  exchangeOf,
  freshFolder,
  ledgerKeys,
  openLedger,
  TEST_OWNER,
} from '../../support/ledger.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const BOB = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'

let folder: string
let ledger: SqliteLedger

beforeEach(async () => {
  folder = freshFolder()
  ledger = await openLedger(folder)
})

afterEach(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true })
})

const charge = (user: Address, output: number) =>
  ledger.charge(exchangeOf(user), deliveredOf(output), 'complete')

describe('the file', () => {
  const path = () => join(folder, 'ledger.sqlite')

  it('is refused to a second process or owner, and free after close', async () => {
    await expect(openLedger(folder)).rejects.toMatchObject({ code: 'ledger_locked' })
    await ledger.close()
    const other = '0x0000000000000000000000000000000000000001'
    for (const foreign of [{ chainId: 1 }, { contract: other }, { provider: other }] as const) {
      await expect(openLedger(folder, { ...TEST_OWNER, ...foreign })).rejects.toMatchObject({
        code: 'ledger_foreign',
      })
    }
    ledger = await openLedger(folder)
  })

  it('is refused when a newer release wrote it', async () => {
    await ledger.close()
    const database = new DatabaseSync(path())
    database.exec('PRAGMA user_version = 99')
    database.close()
    await expect(openLedger(folder)).rejects.toMatchObject({ code: 'ledger_too_new' })
  })

  it('is refused when it is damaged or something else, and stays as it was', async () => {
    await ledger.close()
    for (const content of ['not a database, but long enough to be read as one'.repeat(40), 'x']) {
      writeFileSync(path(), content)
      await expect(openLedger(folder)).rejects.toMatchObject({ code: 'ledger_corrupt' })
      expect(readFileSync(path(), 'utf8')).toBe(content)
    }
  })

  it('answers nothing more once a write failed', async () => {
    await charge(ALICE, 1)
    const database = new DatabaseSync(path())
    database.exec('DROP TABLE users')
    database.close()
    await expect(charge(ALICE, 1)).rejects.toMatchObject({ code: 'ledger_failed' })
    // What admission awaits: no engine works for what cannot be charged.
    await expect(ledger.refresh()).rejects.toMatchObject({ code: 'ledger_failed' })
    expect(await ledger.receipts(ALICE, 0, 10)).toHaveLength(1)
    await expect(ledger.checkpoint(exchangeOf(BOB), deliveredOf(1))).rejects.toMatchObject({
      code: 'ledger_failed',
    })
  })

  it('refuses calls after close', async () => {
    await ledger.close()
    await expect(ledger.discard('00'.repeat(16))).rejects.toMatchObject({ code: 'ledger_closed' })
  })

  it('is named by its address, and no other kind of database is taken', async () => {
    await charge(ALICE, 1)
    await ledger.close()
    const again = await openAny({ ...ledgerKeys(), database: `sqlite:${path()}` })
    expect(again.totals(ALICE).charged).toBe(23n)
    await again.close()
    await expect(openAny({ ...ledgerKeys(), database: 'mysql://root@localhost/0g' })).rejects.toMatchObject({
      code: 'database_unknown',
    })
  })

  it('is refused to an enclave with another key, and when it has no seals', async () => {
    await ledger.close()
    const changed = { ...ledgerKeys(), database: `sqlite:${path()}`, rowKey: new Uint8Array(32) }
    await expect(openAny(changed)).rejects.toMatchObject({ code: 'ledger_key_changed' })
    const database = new DatabaseSync(path())
    database.exec('PRAGMA user_version = 1')
    database.close()
    await expect(openLedger(folder)).rejects.toMatchObject({ code: 'ledger_too_old' })
  })
})
