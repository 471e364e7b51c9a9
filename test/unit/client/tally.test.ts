import { describe, expect, it } from 'vitest'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import {
  accountOf,
  type ReceiptAccount,
  type ReceiptStore,
} from '../../../src/client/receipts/receiptStore.ts'
import { lastSeqWithoutGap, tallyReceipts } from '../../../src/client/receipts/tally.ts'
import { receiptFromJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import { proofOf } from '../attestation/honest.ts'

const receipt = (seq: number, cumulative: bigint, fee = 100n): SignedReceipt =>
  receiptFromJson(proofOf({ fields: { seq, cumulative, fee } }).receipt)

async function stored(...all: SignedReceipt[]): Promise<[ReceiptStore, ReceiptAccount]> {
  const store = memoryReceiptStore()
  await store.addAll(all.map((signed) => ({ signed, source: 'answer', outcome: null, savedAt: 1 })))
  return [store, accountOf(all[0]!)]
}

const lastWithoutGap = async ([store, account]: [ReceiptStore, ReceiptAccount]) =>
  lastSeqWithoutGap(store.totals(account))

const [A, B, C] = [receipt(1, 100n), receipt(5, 200n), receipt(9, 300n)]

describe('receipts read once', () => {
  it('add up', async () => {
    expect(await tallyReceipts(...(await stored(A, B, C)), null)).toEqual({
      count: 3,
      charged: 300n,
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

  it('find what is later than a settlement and of a smaller total', async () => {
    const settled = { settled: 250n, upTo: 4, version: 1, mode: 'batch' } as const
    const { belowSettled } = await tallyReceipts(...(await stored(A, B, C)), settled)
    expect(belowSettled).toEqual([B])
  })
})
