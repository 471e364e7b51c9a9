import { describe, expect, it } from 'vitest'
import { firstFailure } from '../../../src/attestation/verdict.ts'
import { type ExpectedReceipt, verifyReceipt } from '../../../src/attestation/verifyReceipt.ts'
import { EXIT } from '../../../src/base/errors.ts'
import { DETAIL, EXCHANGE, OTHER, proofOf } from './honest.ts'

const EXPECTED: ExpectedReceipt = {
  chainId: EXCHANGE.chainId,
  contract: EXCHANGE.contract,
  provider: EXCHANGE.provider,
  user: EXCHANGE.user,
  signer: EXCHANGE.signer,
  evidence: DETAIL.evidence,
}

describe('verifyReceipt', () => {
  it('accepts an honest receipt, and is incomplete where nobody says whose key it is', () => {
    const { receipt } = proofOf()
    expect(verifyReceipt(receipt, EXPECTED).outcome).toBe('accepted')
    expect(verifyReceipt(receipt).outcome).toBe('incomplete')
  })

  it.each<[string, Partial<ExpectedReceipt>]>([
    ['receipt-domain', { chainId: 1 }],
    ['receipt-domain', { contract: OTHER }],
    ['receipt-provider', { provider: OTHER }],
    ['receipt-user', { user: OTHER }],
    ['receipt-signature', { signer: OTHER }],
    ['evidence', { evidence: '00'.repeat(32) }],
  ])('rejects at %s what is not %j', (step, change) => {
    expect(firstFailure(verifyReceipt(proofOf().receipt, { ...EXPECTED, ...change }))?.name).toBe(step)
  })

  it.each<[string, Parameters<typeof proofOf>[0]]>([
    ['fee', { fields: { fee: 351n } }],
    ['fee', { detail: { prices: {} } }],
    ['cumulative', { fields: { cumulative: 1n } }],
    ['counts', { fields: { fee: 950n }, detail: { counts: { input: 20, output: 25 } } }],
  ])('rejects at %s what the enclave signed wrong', (step, changes) => {
    expect(firstFailure(verifyReceipt(proofOf(changes).receipt, EXPECTED))?.name).toBe(step)
  })

  it('takes tokens that the bytes can have carried, and of a cut answer any', () => {
    const counts = { input: 20, output: 24 }
    const most = proofOf({ fields: { fee: 920n }, detail: { counts } })
    expect(verifyReceipt(most.receipt, EXPECTED).outcome).toBe('accepted')
    const cut = proofOf({ fields: { fee: 920n }, detail: { counts, status: 'partial', responseBytes: 0 } })
    expect(verifyReceipt(cut.receipt, EXPECTED).outcome).toBe('accepted')
  })

  it('rejects another detail than the signed one', () => {
    const receipt = { ...proofOf().receipt, detail: '{}' }
    const failed = verifyReceipt(receipt, EXPECTED).steps.filter(({ result }) => result === 'fail')
    expect(failed.map(({ name }) => name)).toEqual(['detail-hash', 'detail-form'])
  })

  it.each([null, 1, 'receipt', {}, { receipt: {} }, { ...proofOf().receipt, signature: '0x' }])(
    'says with exit 30 that %j is none',
    (json) => {
      expect(() => verifyReceipt(json)).toThrow(expect.objectContaining({ exitCode: EXIT.malformed }))
    },
  )
})
