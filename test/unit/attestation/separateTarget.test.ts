import { describe, expect, it } from 'vitest'
import { firstFailure } from '../../../src/attestation/verdict.ts'
import { NOTHING_KNOWN, verifyAnswer } from '../../../src/attestation/verifyAnswer.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import { proofText } from '../../../src/protocol/textProof.ts'
import { EXCHANGE, KEY, OTHER_KEY, proofOf } from './honest.ts'

const REWRITTEN = proofText('ab'.repeat(32), EXCHANGE.responseHash)

/** A broker of the deployed network: it signs the text, and makes no receipts. */
const judge = (exchange: typeof EXCHANGE, key: typeof KEY, text?: string) => {
  const { text: proof } = proofOf({ textKey: key, ...(text !== undefined && { text }) })
  return verifyAnswer(exchange, { text: proof, receipt: null }, NOTHING_KNOWN, 'tdx')
}

describe('a model with a server of its own behind the broker', () => {
  const separate = { ...EXCHANGE, textSigner: addressOf(OTHER_KEY) }

  it('is judged by that server’s key', () => {
    expect(judge(separate, OTHER_KEY).steps).toContainEqual(
      expect.objectContaining({ name: 'request-hash', result: 'pass' }),
    )
    expect(firstFailure(judge(separate, KEY))?.name).toBe('text-signature')
  })

  it('cannot bind a request that the broker says in other words, and the verdict says so', () => {
    const { outcome, steps } = judge(separate, OTHER_KEY, REWRITTEN)
    expect(outcome).toBe('incomplete')
    expect(steps).toContainEqual({
      name: 'request-hash',
      result: 'skipped',
      detail: expect.stringContaining('cannot bind the request'),
    })
  })

  it('is rejected for another answer all the same', () => {
    const text = proofText('ab'.repeat(32), 'cd'.repeat(32))
    expect(firstFailure(judge(separate, OTHER_KEY, text))?.name).toBe('response-hash')
  })
})

it('rejects another request where the broker itself signs', () => {
  expect(firstFailure(judge(EXCHANGE, KEY, REWRITTEN))?.name).toBe('request-hash')
})
