import { describe, expect, it } from 'vitest'
import type { Outcome, VerdictStep } from '../../../src/attestation/verdict.ts'
import type { Address } from '../../../src/base/hex.ts'
import type { CheckedProvider } from '../../../src/client/providerCheck.ts'
import type { Endpoint } from '../../../src/client/purchase/endpoints.ts'
import { sealTargetFor, sealTargetOf } from '../../../src/client/purchase/privacy.ts'

const SIGNER: Address = `0x${'11'.repeat(20)}`
const KEY = 'ab'.repeat(32)
const STEPS = ['quote-signature', 'certificate-chain', 'td-attributes', 'report-data', 'signer-on-chain']

function checked(
  outcome: Outcome,
  change: { key?: null; sealedRequests?: boolean | null; sealsMore?: boolean; open?: string } = {},
) {
  const { key = KEY, sealedRequests = true, sealsMore = true, open } = change
  const steps = [...STEPS, 'app'].map(
    (name): VerdictStep => ({ name, result: name === open ? 'skipped' : 'pass', detail: `of ${name}` }),
  )
  const verdict = { outcome, assurance: 'tdx', steps, evidence: null, binding: null, encryptionKey: key }
  const abilities = { signedRequests: true, tokenDomain: true, keyLimits: true, sealedRequests, sealsMore }
  return { verdict, signers: { receipt: SIGNER, text: SIGNER }, abilities } as CheckedProvider
}

const isSealed = (provider: CheckedProvider, asked?: boolean) => sealTargetOf(provider, asked) !== null

describe('whether a request is sealed', () => {
  it('to the key that accepted evidence carries, unless it is switched off', () => {
    expect(sealTargetOf(checked('accepted'), undefined)).toEqual({
      publicKey: new Uint8Array(32).fill(0xab),
      signer: SIGNER,
    })
    expect(isSealed(checked('accepted'), false)).toBe(false)
    expect(isSealed(checked('accepted', { sealedRequests: null }))).toBe(true)
  })

  it('not by default where evidence is incomplete; on demand where a genuine quote names the key', () => {
    const incomplete = checked('incomplete', { open: 'app' })
    expect([isSealed(incomplete), isSealed(incomplete, true)]).toEqual([false, true])
  })

  it.each<[string, CheckedProvider, RegExp]>([
    ['no key', checked('accepted', { key: null }), /no encryption key/],
    ['a broker that cannot', checked('accepted', { sealedRequests: false }), /opens no sealed/],
    ...STEPS.map(
      (open) =>
        [`${open} left open`, checked('incomplete', { open }), new RegExp(`of ${open}`)] as [
          string,
          CheckedProvider,
          RegExp,
        ],
    ),
  ])('fails closed on demand: %s', (_why, provider, message) => {
    expect(isSealed(provider)).toBe(false)
    expect(() => sealTargetOf(provider, true)).toThrow(message)
  })

  it('goes by what is asked: images and messages where the broker says so, files never', () => {
    const sealed = (endpoint: Endpoint, sealsMore: boolean) =>
      sealTargetFor(checked('accepted', { sealsMore }), { endpoint }) !== null
    for (const endpoint of ['/v1/images/generations', '/v1/messages'] as const) {
      expect([sealed(endpoint, true), sealed(endpoint, false)]).toEqual([true, false])
      const old = checked('accepted', { sealsMore: false })
      expect(() => sealTargetFor(old, { endpoint, private: true })).toThrow(endpoint)
    }
    expect(sealed('/v1/chat/completions', false)).toBe(true)
    for (const endpoint of ['/v1/images/edits', '/v1/audio/transcriptions'] as const) {
      expect(sealed(endpoint, true)).toBe(false)
      expect(() => sealTargetFor(checked('accepted'), { endpoint, private: true })).toThrow(/files/)
    }
  })
})
