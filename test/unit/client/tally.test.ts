import { describe, expect, it } from 'vitest'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import {
  accountOf,
  type ReceiptAccount,
  type ReceiptStore,
  type StoredReceipt,
} from '../../../src/client/receipts/receiptStore.ts'
import { lastSeqWithoutGap, tallyReceipts } from '../../../src/client/receipts/tally.ts'
import { receiptFromJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import { proofOf } from '../attestation/honest.ts'

const receipt = (seq: number, cumulative: bigint, fee = 100n): SignedReceipt =>
  receiptFromJson(proofOf({ fields: { seq, cumulative, fee } }).receipt)

const stored = (...all: SignedReceipt[]) => kept(all.map((signed) => ({ signed, outcome: 'accepted' })))

async function kept(
  all: readonly (Pick<StoredReceipt, 'signed' | 'outcome'> & Partial<StoredReceipt>)[],
): Promise<[ReceiptStore, ReceiptAccount]> {
  const store = memoryReceiptStore()
  await store.addAll(all.map((receipt) => ({ source: 'answer', savedAt: 1, ...receipt })))
  return [store, accountOf(all[0]!.signed)]
}

const lastWithoutGap = async ([store, account]: [ReceiptStore, ReceiptAccount]) =>
  lastSeqWithoutGap(store.totals(account))

const [A, B, C] = [receipt(1, 100n), receipt(5, 200n), receipt(9, 300n)]

describe('receipts read once', () => {
  it('add up', async () => {
    expect(await tallyReceipts(...(await stored(A, B, C)), null)).toEqual({
      count: 3,
      charged: 300n,
      withoutAnswer: { receipts: 0, charged: 0n },
      unexplained: [],
      contradictions: [],
      belowSettled: [],
    })
  })

  it('name a gap, and the number up to which there is none', async () => {
    const { unexplained } = await tallyReceipts(...(await stored(A, C)), null)
    expect(unexplained).toEqual([{ kind: 'gap', amount: 100n, detail: 'between receipts 1 and 9' }])
    expect(await lastWithoutGap(await stored(A, C))).toBe(1)
    expect(await lastWithoutGap(await stored(A, B, C))).toBe(9)
  })

  it('find two of one number, one pair for each number', async () => {
    const twins = [receipt(5, 200n), receipt(5, 250n), receipt(5, 260n)]
    const { contradictions, unexplained } = await tallyReceipts(...(await stored(A, ...twins)), null)
    expect(contradictions).toMatchObject([{ kind: 'receipts', receipts: [twins[0], twins[1]] }])
    expect(unexplained.map(({ kind }) => kind)).toEqual(['contradiction', 'contradiction'])
  })

  it('find totals that run backwards', async () => {
    const { unexplained } = await tallyReceipts(...(await stored(B, receipt(9, 150n))), null)
    expect(unexplained).toContainEqual({
      kind: 'contradiction',
      amount: 150n,
      detail: 'between receipts 5 and 9',
    })
  })

  it('name what was charged for answers that were rejected here, as one sum', async () => {
    const many = Array.from({ length: 7 }, (_, i) => receipt(i + 1, 100n * BigInt(i + 1)))
    const account = await kept(many.map((signed) => ({ signed, outcome: 'rejected' })))
    const { charged, unexplained } = await tallyReceipts(...account, null)
    expect(charged).toBe(700n)
    expect(unexplained).toEqual([
      { kind: 'rejected', amount: 700n, detail: 'for 7 answers rejected here: receipts 1, 2, 3 …' },
    ])
    const [signed] = many
    expect(
      (await tallyReceipts(...(await kept([{ signed: signed!, outcome: 'rejected' }])), null)).unexplained,
    ).toMatchObject([{ detail: 'for 1 answer rejected here: receipt 1' }])
  })

  it('count apart what no answer of this machine stands behind, and name what is wrong in itself', async () => {
    const account = await kept([
      { signed: A, outcome: 'incomplete' },
      { signed: B, outcome: null, source: 'audit' },
      { signed: C, outcome: 'rejected', source: 'audit' },
    ])
    const { charged, withoutAnswer, unexplained } = await tallyReceipts(...account, null)
    expect([charged, withoutAnswer]).toEqual([300n, { receipts: 2, charged: 200n }])
    expect(unexplained).toEqual([
      { kind: 'receipt_wrong', amount: 100n, detail: 'by 1 receipt that does not add up: receipt 9' },
    ])
  })

  it('find what is later than a settlement and of a smaller total', async () => {
    const settled = { settled: 250n, upTo: 4, version: 1, mode: 'batch' } as const
    const { belowSettled } = await tallyReceipts(...(await stored(A, B, C)), settled)
    expect(belowSettled).toEqual([B])
  })
})
