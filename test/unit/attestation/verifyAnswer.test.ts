import { describe, expect, it } from 'vitest'
import { firstFailure } from '../../../src/attestation/verdict.ts'
import {
  type AnswerProof,
  type Exchange,
  type KnownReceipts,
  NOTHING_KNOWN,
  verifyAnswer,
} from '../../../src/attestation/verifyAnswer.ts'
import { canonicalJson, sha256Text } from '../../../src/protocol/canonical.ts'
import { receiptDigest, receiptFromJson, receiptToJson } from '../../../src/protocol/receipt.ts'
import { signDigest } from '../../../src/protocol/signature.ts'
import { type Changes, DETAIL, EXCHANGE, FIELDS, KEY, OTHER, OTHER_KEY, proofOf } from './honest.ts'

const verify = (proof: AnswerProof, exchange: Partial<Exchange> = {}, known: KnownReceipts = NOTHING_KNOWN) =>
  verifyAnswer({ ...EXCHANGE, ...exchange }, proof, known, 'simulated')

const failedStep = (...args: Parameters<typeof verify>): string | undefined =>
  firstFailure(verify(...args))?.name

describe('an honest answer', () => {
  it('is accepted, every step passed', () => {
    const verdict = verify(proofOf())
    expect(verdict.outcome).toBe('accepted')
    expect(verdict.assurance).toBe('simulated')
    expect(verdict.steps.filter(({ result }) => result !== 'pass')).toEqual([])
  })

  it('is accepted with cheaper prices, with a discount for cached tokens, and at the bounds', () => {
    const cheaper: Changes = {
      fields: { fee: 100n * 5n + 50n * 30n },
      detail: { counts: { input: 100, output: 50 }, prices: { input: '5', output: '30' } },
    }
    expect(verify(proofOf({ ...cheaper, fields: { ...cheaper.fields, cumulative: 5000n } })).outcome).toBe(
      'accepted',
    )
    const cached: Changes = {
      fields: { fee: 10n * 10n + 10n * 1n + 5n * 30n },
      detail: {
        counts: { input: 10, cachedInput: 10, output: 5 },
        prices: { input: '10', cachedInput: '10', output: '30' },
        multipliers: { cachedInput: [1, 10] },
      },
    }
    expect(verify(proofOf(cached)).outcome).toBe('accepted')
  })

  it('is accepted at the tier of its prompt, not at that of a longer one', () => {
    const pricesFor = (tokens: number) => (tokens > 20 ? { input: 20n, output: 60n } : EXCHANGE.prices)
    const dear = { multipliers: { input: [2, 1], output: [2, 1] } } as const
    const long = {
      fields: { fee: 720n, cumulative: 5000n },
      detail: { ...dear, counts: { input: 21, output: 5 } },
    }
    expect(verify(proofOf(long), { pricesFor }).outcome).toBe('accepted')
    const short = { fields: { fee: 700n, cumulative: 5000n }, detail: dear }
    expect(failedStep(proofOf(short), { pricesFor })).toBe('prices')
  })

  it('is incomplete where it names later evidence that could not be had, and no other is excused so', () => {
    const later = proofOf({ detail: { evidence: 'f'.repeat(64) } })
    const verdict = verify(later, { isEvidenceOld: true })
    expect(verdict.outcome).toBe('incomplete')
    expect(verdict.steps.filter(({ result }) => result !== 'pass').map(({ name }) => name)).toEqual([
      'evidence',
    ])
    expect(failedStep(later)).toBe('evidence')
    expect(verify(proofOf(), { isEvidenceOld: true }).outcome).toBe('accepted')
  })

  it('counts images up to those that were delivered, at the price agreed to', () => {
    const images = { prices: { image: 100n }, bounds: { input: 0, output: 0, image: 2 } }
    const proof = (image: number, price = '100') => {
      const fee = BigInt(image) * BigInt(price)
      const detail = { v: 3, counts: { image }, prices: { image: price } } as const
      return proofOf({ fields: { fee, cumulative: 5000n }, detail })
    }
    expect(verify(proof(2), images).outcome).toBe('accepted')
    expect(failedStep(proof(3), images)).toBe('counts')
    expect(failedStep(proof(2, '101'), images)).toBe('prices')
    expect(failedStep(proof(2))).toBe('prices')
  })

  it('counts seconds up to those that the client counted, at the price agreed to', () => {
    const seconds = { prices: { second: 100n }, bounds: { input: 0, output: 0, second: 7 } }
    const proof = (second: number, price = '100') => {
      const fee = BigInt(second) * BigInt(price)
      const detail = { v: 3, counts: { second }, prices: { second: price } } as const
      return proofOf({ fields: { fee, cumulative: 5000n }, detail })
    }
    expect(verify(proof(7), seconds).outcome).toBe('accepted')
    const { steps } = verify(proof(8), seconds)
    expect(steps.find(({ name }) => name === 'counts')).toMatchObject({
      result: 'fail',
      detail: expect.stringMatching(/at most 7 seconds .*8 seconds were counted/),
    })
    expect(failedStep(proof(7, '101'), seconds)).toBe('prices')
    expect(failedStep(proof(7), { ...seconds, bounds: { input: 0, output: 0 } })).toBe('counts')
  })

  it('is accepted beside the receipts that came before and after it', () => {
    const same = receiptFromJson(proofOf().receipt)
    expect(verify(proofOf(), {}, { floor: 1000n, ceiling: 1350n, same }).outcome).toBe('accepted')
  })

  it('is accepted up to a minute apart', () => {
    expect(verify(proofOf(), { now: EXCHANGE.now + 60_000 }).outcome).toBe('accepted')
    expect(verify(proofOf(), { now: EXCHANGE.now - 60_000 }).outcome).toBe('accepted')
  })

  it('is accepted when the text is signed by the separate enclave on chain', () => {
    const textSigner = receiptSigner(OTHER_KEY)
    expect(verify(proofOf({ textKey: OTHER_KEY }), { textSigner }).outcome).toBe('accepted')
    expect(failedStep(proofOf(), { textSigner })).toBe('text-signature')
  })
})

describe('an answer that cannot be checked whole', () => {
  it('is incomplete without a text proof, without a receipt, and without both', () => {
    const { text, receipt } = proofOf()
    expect(verify({ text: null, receipt }).outcome).toBe('incomplete')
    expect(verify({ text, receipt: null }).outcome).toBe('incomplete')
    expect(verify({ text: null, receipt: null }).outcome).toBe('incomplete')
  })

  it('is incomplete when it was cut short and billed as such', () => {
    expect(verify(proofOf({ detail: { status: 'partial' } }), { ended: 'partial' }).outcome).toBe(
      'incomplete',
    )
  })
})

describe('an answer whose host lies about what it delivered', () => {
  it.each<[string, Partial<Exchange>]>([
    ['request-hash', { requestHash: 'f'.repeat(64) }],
    ['response-hash', { responseHash: 'f'.repeat(64) }],
    ['receipt-response', { responseBytes: 9 }],
    ['receipt-id', { id: 'f'.repeat(32) }],
    ['model', { model: 'another' }],
    ['model-digest', { modelDigest: 'f'.repeat(64) }],
    ['evidence', { evidence: 'f'.repeat(64) }],
    ['endpoint', { endpoint: '/v1/completions' }],
    ['receipt-domain', { chainId: 1 }],
    ['receipt-domain', { contract: OTHER }],
    ['receipt-provider', { provider: OTHER }],
    ['receipt-user', { user: OTHER }],
    ['text-signature', { signer: OTHER }],
    ['prices', { prices: { input: 9n, output: 30n } }],
    ['prices', { prices: { input: 10n, output: 29n } }],
    ['counts', { bounds: { input: 19, output: 50 } }],
    ['counts', { bounds: { input: 100, output: 4 } }],
    ['status', { ended: 'partial' }],
    ['time', { now: EXCHANGE.now + 61_000 }],
    ['time', { now: EXCHANGE.now - 61_000 }],
  ])('is rejected at %s', (step, exchange) => {
    expect(failedStep(proofOf(), exchange)).toBe(step)
  })
})

describe('an answer whose enclave signs what was not agreed', () => {
  it.each<[string, Changes]>([
    ['text-signature', { textKey: OTHER_KEY }],
    ['receipt-signature', { key: OTHER_KEY, textKey: KEY }],
    ['receipt-domain', { chainId: 16661 }],
    ['receipt-domain', { contract: OTHER }],
    ['receipt-provider', { fields: { provider: OTHER } }],
    ['receipt-user', { fields: { user: OTHER } }],
    ['receipt-id', { detail: { id: 'f'.repeat(32) } }],
    ['receipt-request', { detail: { requestHash: 'f'.repeat(64) } }],
    ['receipt-response', { detail: { responseHash: 'f'.repeat(64) } }],
    ['receipt-response', { detail: { responseBytes: 7 } }],
    ['endpoint', { detail: { endpoint: '/v1/embeddings' } }],
    ['model', { detail: { model: 'cheap' } }],
    ['model-digest', { detail: { modelDigest: null } }],
    ['evidence', { detail: { evidence: 'f'.repeat(64) } }],
    ['status', { detail: { status: 'partial' } }],
    [
      'prices',
      { detail: { prices: { input: '11', output: '30' } }, fields: { fee: 370n, cumulative: 1370n } },
    ],
    ['prices', { detail: { multipliers: { output: [2, 1] } }, fields: { fee: 500n, cumulative: 1500n } }],
    ['prices', { detail: { prices: { input: '10', cachedInput: '11', output: '30' } } }],
    ['fee', { fields: { fee: 351n } }],
    ['fee', { fields: { fee: 349n } }],
    ['fee', { detail: { prices: { input: '10' } } }],
    ['counts', { detail: { counts: { input: 20, output: 51 } }, fields: { fee: 1730n, cumulative: 9999n } }],
    ['counts', { detail: { counts: { input: 60, cachedInput: 41, output: 1 } } }],
    ['cumulative', { fields: { cumulative: 349n } }],
    ['time', { fields: { issuedAt: FIELDS.issuedAt + 61 } }],
  ])('is rejected at %s', (step, changes) => {
    expect(verify(proofOf(changes)).steps).toContainEqual(
      expect.objectContaining({ name: step, result: 'fail' }),
    )
  })

  it('is rejected with the valid proof of another exchange', () => {
    const another = 'e'.repeat(64)
    const proof = proofOf({
      text: `${another}:${another}`,
      detail: { requestHash: another, responseHash: another, id: 'e'.repeat(32) },
    })
    expect(failedStep(proof)).toBe('request-hash')
  })

  it('is rejected when the text says more than two hashes', () => {
    const { text } = proofOf({ text: `${EXCHANGE.requestHash}:${EXCHANGE.responseHash}:and` })
    expect(failedStep({ text, receipt: proofOf().receipt })).toBe('response-hash')
  })
})

describe('a receipt beside others', () => {
  it('is rejected when its total is below fee and highest earlier total', () => {
    expect(failedStep(proofOf(), {}, { ...NOTHING_KNOWN, floor: 1001n })).toBe('cumulative')
  })

  it('is rejected when its total leaves no room for a later one', () => {
    expect(failedStep(proofOf(), {}, { ...NOTHING_KNOWN, ceiling: 1349n })).toBe('cumulative')
  })

  it('is rejected when another receipt has its number', () => {
    const same = receiptFromJson(proofOf({ fields: { cumulative: 1351n } }).receipt)
    expect(failedStep(proofOf(), {}, { ...NOTHING_KNOWN, same })).toBe('sequence')
  })
})

describe('a proof changed on its way', () => {
  const honest = proofOf()

  it('is rejected for every character of the text proof', () => {
    for (const field of ['text', 'signature'] as const) {
      for (const value of everyChange(honest.text[field])) {
        expect(verify({ ...honest, text: { ...honest.text, [field]: value } }).outcome).toBe('rejected')
      }
    }
  })

  it('is rejected for every character of the receipt and its signature', () => {
    const { receipt } = honest
    for (const value of everyChange(receipt.signature)) {
      expect(verify({ ...honest, receipt: { ...receipt, signature: value as `0x${string}` } }).outcome).toBe(
        'rejected',
      )
    }
    for (const value of everyChange(receipt.detail)) {
      expect(verify({ ...honest, receipt: { ...receipt, detail: value } }).outcome).toBe('rejected')
    }
    for (const field of ['provider', 'user', 'cumulative', 'fee', 'detail'] as const) {
      for (const value of everyChange(receipt.receipt[field])) {
        const changed = { ...receipt, receipt: { ...receipt.receipt, [field]: value } }
        expect(verify({ ...honest, receipt: changed }).outcome, `${field} ${value}`).toBe('rejected')
      }
    }
    for (const field of ['seq', 'issuedAt'] as const) {
      const changed = { ...receipt, receipt: { ...receipt.receipt, [field]: receipt.receipt[field] + 1 } }
      expect(verify({ ...honest, receipt: changed }).outcome).toBe('rejected')
    }
  })

  it('is rejected when it has another form', () => {
    const junk: unknown[] = [
      {},
      [],
      'receipt',
      1,
      true,
      { receipt: {} },
      { ...honest.receipt, chainId: '31337' },
    ]
    for (const receipt of junk) {
      expect(verify({ ...honest, receipt: receipt as AnswerProof['receipt'] }).outcome).toBe('rejected')
      expect(verify({ ...honest, text: receipt as AnswerProof['text'] }).outcome).toBe('rejected')
    }
  })

  it('is rejected when the detail is signed in another form than the canonical', () => {
    const forms = [
      JSON.stringify(DETAIL, null, 1),
      canonicalJson({ ...DETAIL, more: 1 }),
      canonicalJson({ ...DETAIL, v: 2 }),
      canonicalJson({ ...DETAIL, counts: { input: 20, output: 5, bonus: 1 } }),
      canonicalJson({ ...DETAIL, counts: { input: 20.5, output: 5 } }),
      canonicalJson({ ...DETAIL, counts: { input: -20, output: 5 } }),
      canonicalJson({ ...DETAIL, multipliers: { input: [1, 0] } }),
      canonicalJson({ ...DETAIL, prices: { input: '1e1', output: '30' } }),
      canonicalJson(null),
      'not JSON',
    ]
    for (const detail of forms) {
      const receipt = { ...FIELDS, detail: sha256Text(detail) }
      const { chainId, contract } = EXCHANGE
      const signature = signDigest(KEY, receiptDigest(chainId, contract, receipt))
      const json = receiptToJson({ chainId, contract, receipt, detail, signature })
      expect(failedStep({ ...honest, receipt: json })).toBe('detail-form')
    }
  })
})

/** The text with each of its characters changed, one at a time. */
function* everyChange(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++) {
    const replacement = text[i] === '1' ? '2' : '1'
    // A changed case of an address is the same address.
    yield text.slice(0, i) + replacement + text.slice(i + 1)
  }
}

const receiptSigner = (key: Uint8Array) => {
  const { text } = proofOf({ textKey: key })
  return text.signing_address as `0x${string}`
}
