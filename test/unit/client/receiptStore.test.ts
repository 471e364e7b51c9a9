import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import { accountOf, type StoredReceipt } from '../../../src/client/receipts/receiptStore.ts'
import { sqliteReceiptStore } from '../../../src/client/receipts/sqliteReceiptStore.ts'
import { receiptFromJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import { OTHER, proofOf } from '../attestation/honest.ts'

const receipt = (seq: number, cumulative: bigint, fee = 100n, provider = OTHER): SignedReceipt =>
  receiptFromJson(proofOf({ fields: { seq, cumulative, fee, provider } }).receipt)

const stored = (signed: SignedReceipt): StoredReceipt => ({
  signed,
  source: 'answer',
  outcome: 'accepted',
  savedAt: 1,
})

const A = receipt(3, 300n)
const B = receipt(5, 400n)
const C = receipt(9, 700n)
const ACCOUNT = accountOf(A)

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-receipts-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe.each([
  ['in memory', () => memoryReceiptStore()],
  ['in a file', () => sqliteReceiptStore(dir)],
])('receipts %s', (_name, open) => {
  it('know what stands below, at and above a number, in whatever order they came', async () => {
    const store = open()
    for (const signed of [C, A, B, A]) await store.add(stored(signed))
    expect((await store.list(ACCOUNT)).map(({ signed }) => signed.receipt.seq)).toEqual([3, 5, 9])
    expect(await store.known(ACCOUNT, 1)).toEqual({ floor: 0n, ceiling: 200n, same: null })
    expect(await store.known(ACCOUNT, 5)).toEqual({ floor: 300n, ceiling: 600n, same: B })
    expect(await store.known(ACCOUNT, 7)).toEqual({ floor: 400n, ceiling: 600n, same: null })
    expect(await store.known(ACCOUNT, 10)).toEqual({ floor: 700n, ceiling: null, same: null })
  })

  it('keep both of two that share a number: that is evidence', async () => {
    const store = open()
    const forged = receipt(5, 450n)
    await store.add(stored(B))
    await store.add(stored(forged))
    expect(await store.list(ACCOUNT)).toHaveLength(2)
  })

  it('keep the verdict of an answer whose receipt an audit fetched first, and no audit takes it away', async () => {
    const store = open()
    const fetched = { ...stored(A), source: 'audit', outcome: null } as const
    const judged = { ...stored(A), outcome: 'rejected' } as const
    for (const receipt of [fetched, judged, fetched]) await store.add(receipt)
    expect(await store.list(ACCOUNT)).toEqual([judged])
    const totals = []
    for await (const row of store.totals(ACCOUNT)) totals.push(row)
    expect(totals).toMatchObject([{ seq: 3, fee: 100n, source: 'answer', outcome: 'rejected' }])
  })

  it('keep accounts apart, and list them', async () => {
    const store = open()
    const another = receipt(5, 1n, 1n, '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266')
    await store.add(stored(A))
    await store.add(stored(another))
    expect(await store.list(ACCOUNT)).toHaveLength(1)
    const providers = (await store.accounts(ACCOUNT)).map(({ provider }) => provider.toLowerCase()).sort()
    expect(providers).toEqual([OTHER.toLowerCase(), another.receipt.provider.toLowerCase()].sort())
    expect(await store.accounts({ ...ACCOUNT, chainId: 1 })).toEqual([])
  })
})

describe('receipts in a file', () => {
  const path = () => join(dir, 'receipts.sqlite')

  it('outlive the process and are for their owner alone', async () => {
    await sqliteReceiptStore(dir).add(stored(A))
    expect(await sqliteReceiptStore(dir).list(ACCOUNT)).toEqual([stored(A)])
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('are all there when many are added at once, by two processes', async () => {
    const stores = [sqliteReceiptStore(dir), sqliteReceiptStore(dir)]
    const many = Array.from({ length: 40 }, (_, i) => stored(receipt(10 + i, 1000n + 100n * BigInt(i))))
    await Promise.all(many.map((one, i) => stores[i % 2]!.add(one)))
    expect(await stores[0]!.list(ACCOUNT)).toEqual(many)
    expect(await stores[1]!.known(ACCOUNT, 30)).toMatchObject({ floor: 2900n, ceiling: 3000n })
  })

  it('come in pages, none twice and none left out', async () => {
    const store = sqliteReceiptStore(dir)
    const many = Array.from({ length: 2500 }, (_, i) => stored(receipt(1 + i, 100n * BigInt(i + 1))))
    await store.addAll(many)
    expect(await store.count(ACCOUNT)).toBe(2500)
    expect((await store.list(ACCOUNT)).map(({ signed }) => signed.receipt.seq)).toEqual(
      many.map((_, i) => i + 1),
    )
  })

  it('of a newer version are left alone', async () => {
    await sqliteReceiptStore(dir).add(stored(A))
    const file = new DatabaseSync(path())
    file.exec('PRAGMA user_version = 99')
    file.close()
    await expect(sqliteReceiptStore(dir).add(stored(B))).rejects.toMatchObject({ code: 'receipts_too_new' })
  })
})
