import { describe, expect, it } from 'vitest'
import { parseReceiptDetail } from '../../../src/attestation/receiptDetail.ts'
import { firstFailure } from '../../../src/attestation/verdict.ts'
import { type Exchange, NOTHING_KNOWN, verifyAnswer } from '../../../src/attestation/verifyAnswer.ts'
import { verifyReceipt } from '../../../src/attestation/verifyReceipt.ts'
import { canonicalJson } from '../../../src/protocol/canonical.ts'
import type { ReceiptDetail } from '../../../src/protocol/receipt.ts'
import { proofTextOf } from '../../../src/protocol/textProof.ts'
import { type Changes, DETAIL, EXCHANGE, proofOf } from './honest.ts'

const SEALED = { requestHash: 'a1'.repeat(32), responseHash: 'b2'.repeat(32), stream: false }
const exchange: Exchange = { ...EXCHANGE, sealed: SEALED }
const honest: Changes = {
  detail: { v: 2, sealed: SEALED },
  text: proofTextOf({ ...EXCHANGE, sealed: SEALED }),
}

const judge = (changes: Changes = {}, of = exchange) =>
  verifyAnswer(of, proofOf({ ...honest, ...changes }), NOTHING_KNOWN, 'tdx')
const failed = (changes: Changes, of = exchange) => firstFailure(judge(changes, of))?.name
const sealedWith = (change: object): Changes => ({
  detail: { v: 2, sealed: { ...SEALED, ...change } },
  text: proofTextOf({ ...EXCHANGE, sealed: { ...SEALED, ...change } }),
})

describe('a sealed answer', () => {
  it('is accepted when text and receipt name what was sealed', () => {
    expect(judge().outcome).toBe('accepted')
    expect(verifyReceipt(proofOf(honest).receipt).steps.filter(({ result }) => result === 'fail')).toEqual([])
  })

  it.each<[string, object]>([
    ['request-hash', { requestHash: '00'.repeat(32) }],
    ['response-hash', { responseHash: '00'.repeat(32) }],
    ['response-hash', { stream: true }],
  ])('is rejected at %s with %o in both', (step, change) => {
    expect(failed(sealedWith(change))).toBe(step)
  })

  it('is rejected when the receipt alone says otherwise, or says nothing of it', () => {
    const receiptOnly = (sealed: object) => failed({ detail: { v: 2, sealed: { ...SEALED, ...sealed } } })
    for (const change of [
      { requestHash: '00'.repeat(32) },
      { responseHash: '00'.repeat(32) },
      { stream: true },
    ])
      expect(receiptOnly(change)).toBe('receipt-sealed')
    expect(failed({ detail: {} })).toBe('receipt-sealed')
  })

  it('is rejected with the proof of one in clear, and the other way round', () => {
    expect(failed({ text: proofTextOf(EXCHANGE) })).toBe('request-hash')
    expect(failed({}, EXCHANGE)).toBe('request-hash')
    expect(failed({ text: proofTextOf(EXCHANGE) }, EXCHANGE)).toBe('receipt-sealed')
  })
})

describe('a detail of version 2', () => {
  const parse = (detail: object) => parseReceiptDetail(canonicalJson(detail))
  const detail: ReceiptDetail = { ...DETAIL, v: 2, sealed: SEALED }

  it('is version 1 with what was sealed', () => {
    expect(parse(detail)).toEqual(detail)
    expect(parse(DETAIL)).toEqual(DETAIL)
  })

  it.each<[string, object]>([
    ['version 1 with it', { ...detail, v: 1 }],
    ['version 2 without it', { ...DETAIL, v: 2 }],
    ['another version', { ...detail, v: 3 }],
    ['null', { ...detail, sealed: null }],
    ['no hash', { ...detail, sealed: { ...SEALED, requestHash: 'a1' } }],
    ['no kind', { ...detail, sealed: { ...SEALED, stream: 1 } }],
    ['more than that', { ...detail, sealed: { ...SEALED, more: 1 } }],
  ])('is nothing else: %s', (_what, value) => expect(parse(value)).toBeNull())
})
