import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileReceiptStore } from '../../../src/client/receipts/fileReceiptStore.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import { accountOf, type StoredReceipt } from '../../../src/client/receipts/receiptStore.ts'
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
  ['in files', () => fileReceiptStore(dir)],
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

describe('receipts in files', () => {
  const path = () => {
    const file = readdirSync(dir, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('.jsonl'),
    )
    return join(dir, file!)
  }

  it('outlive the process and are for their owner alone', async () => {
    await fileReceiptStore(dir).add(stored(A))
    expect(await fileReceiptStore(dir).list(ACCOUNT)).toEqual([stored(A)])
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('are only ever appended to, one line each, also when many are added at once', async () => {
    const store = fileReceiptStore(dir)
    await store.add(stored(A))
    const before = readFileSync(path(), 'utf8')
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.add(stored(receipt(10 + i, 1000n + 100n * BigInt(i))))),
    )
    const after = readFileSync(path(), 'utf8')
    expect(after.startsWith(before)).toBe(true)
    expect(after.trimEnd().split('\n')).toHaveLength(21)
  })

  it('see what another process appended', async () => {
    const [one, two] = [fileReceiptStore(dir), fileReceiptStore(dir)]
    await one.add(stored(A))
    await two.add(stored(B))
    expect(await one.known(ACCOUNT, 6)).toMatchObject({ floor: 400n })
  })

  it('lose nothing but the line that a crash cut short', async () => {
    const store = fileReceiptStore(dir)
    await store.add(stored(A))
    appendFileSync(path(), '{"v":1,"savedAt":2,"rec')
    await fileReceiptStore(dir).add(stored(B))
    expect((await fileReceiptStore(dir).list(ACCOUNT)).map(({ signed }) => signed.receipt.seq)).toEqual([
      3, 5,
    ])
  })
})
