import { describe, expect, it } from 'vitest'
import { parseReceiptDetail } from '../../../src/attestation/receiptDetail.ts'
import { canonicalJson } from '../../../src/protocol/canonical.ts'

const hex = (digits: number) => 'a'.repeat(digits)

const detail = (change: object) =>
  canonicalJson({
    v: 3,
    salt: hex(32),
    id: hex(32),
    endpoint: '/v1/images/generations',
    model: 'm',
    modelDigest: null,
    requestHash: hex(64),
    responseHash: hex(64),
    responseBytes: 1,
    status: 'complete',
    counts: { image: 2 },
    prices: { image: '5' },
    multipliers: {},
    evidence: hex(64),
    ...change,
  })

describe('the detail of a receipt', () => {
  it.each([
    ['images', {}],
    ['seconds', { counts: { second: 2 }, prices: { second: '5' } }],
    ['images under seal', { v: 4, sealed: { requestHash: hex(64), responseHash: hex(64), stream: false } }],
    ['tokens', { v: 1, counts: { input: 2 }, prices: { input: '5' } }],
  ])('of a version counts what that version may count: %s', (_name, change) => {
    expect(parseReceiptDetail(detail(change))).not.toBeNull()
  })

  it.each([
    ['images in version 1', { v: 1 }],
    ['a price of images in version 1', { v: 1, counts: {} }],
    ['an unknown class', { counts: { pixel: 2 } }],
    ['an unknown version', { v: 5 }],
    ['images under seal without its hashes', { v: 4 }],
    [
      'sealed hashes in version 3',
      { sealed: { requestHash: hex(64), responseHash: hex(64), stream: false } },
    ],
  ])('is not read otherwise: %s', (_name, change) => {
    expect(parseReceiptDetail(detail(change))).toBeNull()
  })
})
