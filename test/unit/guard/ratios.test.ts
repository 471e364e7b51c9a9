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

/** The fastest of five rounds, ms a call: what a busy machine adds is left out. */
async function fastest(calls: number, call: (i: number) => unknown): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < 5; round++) {
    const startedAt = performance.now()
    for (let i = 0; i < calls; i++) await call(round * calls + i)
    rounds.push((performance.now() - startedAt) / calls)
  }
  return Math.min(...rounds)
}

it('a receipt costs less than six bare signatures', async () => {
  const { detail, ...fields } = proofOf({}).receipt.receipt
  const receipt = { ...fields, cumulative: BigInt(fields.cumulative), fee: BigInt(fields.fee) }
  const details = JSON.parse(proofOf({}).receipt.detail) as ReceiptDetail
  const signature = await fastest(200, () => signDigest(TEST_KEY, detail))
  const whole = await fastest(200, () => signReceipt(TEST_KEY, 31337, TEST_OWNER.contract, receipt, details))
  expect(whole / signature).toBeLessThan(6)
})

it('a charge among 5,000 users costs less than five times one among ten', async () => {
  const cost = async (users: number) => {
    const ledger = await openLedger(folder(freshFolder()))
    const addresses = Array.from({ length: users }, () => `0x${randomBytes(20).toString('hex')}` as const)
    await Promise.all(addresses.map((user) => ledger.charge(exchangeOf(user), deliveredOf(3), 'complete')))
    const each = await fastest(100, (i) =>
      ledger.charge(exchangeOf(addresses[i % users]!), deliveredOf(3), 'complete'),
    )
    await ledger.close()
    return each
  }
  expect((await cost(5000)) / (await cost(10))).toBeLessThan(5)
})

it('what is known beside a receipt among 20,000 costs less than ten times that among 20', async () => {
  const { signed } = stored(1)
  const cost = async (count: number) => {
    const store = sqliteReceiptStore(folder())
    await store.addAll(Array.from({ length: count }, (_, i) => stored(i + 1)))
    return fastest(200, () => store.known(accountOf(signed), count + 1))
  }
  expect((await cost(20_000)) / (await cost(20))).toBeLessThan(10)
})

const template = receiptFromJson(proofOf({ fields: { provider: OTHER } }).receipt)

function stored(seq: number): StoredReceipt {
  const receipt = { ...template.receipt, seq, fee: 100n, cumulative: 100n * BigInt(seq) }
  return { signed: { ...template, receipt }, source: 'answer', outcome: 'accepted', savedAt: seq }
}
