import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { accountOf, type StoredReceipt } from '../../../src/client/receipts/receiptStore.ts'
import { sqliteReceiptStore } from '../../../src/client/receipts/sqliteReceiptStore.ts'
import { type ReceiptDetail, receiptFromJson, signReceipt } from '../../../src/protocol/receipt.ts'
import { signDigest } from '../../../src/protocol/signature.ts'
import {
  deliveredOf,
  exchangeOf,
  freshFolder,
  openLedger,
  TEST_KEY,
  TEST_OWNER,
} from '../../support/ledger.ts'
import { OTHER, proofOf } from '../attestation/honest.ts'

// Ratios only, and generous: what fails here has grown by a factor, not by noise.

const dirs: string[] = []
const folder = (dir = mkdtempSync(join(tmpdir(), 'zg-guard-'))): string => {
  dirs.push(dir)
  return dir
}
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true })
})

const ROUNDS = 8
type Call = (i: number) => unknown

/**
 * How many times as much of the processor one thing takes as another: the fastest rounds of each, which take turns, so
 * that what a busy machine adds is left out. By the clock a long round waits for others more often than a short one.
 */
async function ratio(calls: number, dear: Call, cheap: Call): Promise<number> {
  const fastest = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < ROUNDS; round++)
    for (const [which, call] of [dear, cheap].entries()) {
      const before = process.cpuUsage()
      for (let i = 0; i < calls; i++) await call(round * calls + i)
      const { user, system } = process.cpuUsage(before)
      fastest[which] = Math.min(fastest[which]!, user + system)
    }
  return fastest[0]! / fastest[1]!
}

it('a receipt costs less than six bare signatures', async () => {
  const { detail, ...fields } = proofOf({}).receipt.receipt
  const receipt = { ...fields, cumulative: BigInt(fields.cumulative), fee: BigInt(fields.fee) }
  const details = JSON.parse(proofOf({}).receipt.detail) as ReceiptDetail
  const whole = () => signReceipt(TEST_KEY, 31337, TEST_OWNER.contract, receipt, details)
  expect(await ratio(200, whole, () => signDigest(TEST_KEY, detail))).toBeLessThan(6)
})

it('a charge among 5,000 users costs less than five times one among ten', async () => {
  const ledgerOf = async (users: number) => {
    const ledger = await openLedger(folder(freshFolder()))
    const addresses = Array.from({ length: users }, () => `0x${randomBytes(20).toString('hex')}` as const)
    await Promise.all(addresses.map((user) => ledger.charge(exchangeOf(user), deliveredOf(3), 'complete')))
    const charge = (i: number) => ledger.charge(exchangeOf(addresses[i % users]!), deliveredOf(3), 'complete')
    return { charge, close: () => ledger.close() }
  }
  const [many, few] = [await ledgerOf(5000), await ledgerOf(10)]
  expect(await ratio(100, many.charge, few.charge)).toBeLessThan(5)
  await Promise.all([many.close(), few.close()])
})

it('what is known beside a receipt among 20,000 costs less than ten times that among 20', async () => {
  const { signed } = stored(1)
  const lookAmong = async (count: number) => {
    const store = sqliteReceiptStore(folder())
    await store.addAll(Array.from({ length: count }, (_, i) => stored(i + 1)))
    return () => store.known(accountOf(signed), count + 1)
  }
  expect(await ratio(200, await lookAmong(20_000), await lookAmong(20))).toBeLessThan(10)
})

const template = receiptFromJson(proofOf({ fields: { provider: OTHER } }).receipt)

function stored(seq: number): StoredReceipt {
  const receipt = { ...template.receipt, seq, fee: 100n, cumulative: 100n * BigInt(seq) }
  return { signed: { ...template, receipt }, source: 'answer', outcome: 'accepted', savedAt: seq }
}
