import { createHash } from 'node:crypto'
import { capabilitiesDigest } from '../../../src/protocol/quoteBinding.ts'
import {
  CAPABILITIES,
  type Document,
  ENCRYPTION_KEY,
  MODELS,
  NONCE,
  OTHER_NONCE,
  OTHER_SIGNER,
  PROVIDER,
  type SceneChanges,
  scene,
  TLS_KEY,
} from '../support/scene.ts'
import { type Vector, vector } from './vector.ts'

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const OTHER_ADDRESS = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' as const

const nonceField =
  (change: (nonce: { value: string; index: number; siblings: string[] }) => object) =>
  (document: Document) => ({
    ...document,
    nonce: change(document.nonce as { value: string; index: number; siblings: string[] }),
  })

/** The same evidence, its quote taken from another honest answer. */
const quoteOf =
  (other: SceneChanges) =>
  (document: Document): Document => {
    const { quote, report_data } = JSON.parse(scene(other).given.document!) as Document
    return { ...document, quote, report_data }
  }

const unquoted: readonly (readonly [string, SceneChanges['binding']])[] = [
  ['chain', { chainId: 1 }],
  ['contract', { contract: OTHER_ADDRESS }],
  ['provider', { provider: OTHER_ADDRESS }],
  ['signer', { signer: OTHER_SIGNER }],
  ['encryption key', { encryptionKey: digest('the key of the host') }],
  ['missing encryption key', { encryptionKey: null }],
  ['TLS key', { tlsSpki: TLS_KEY }],
  ['model', { models: [{ id: 'another', digest: MODELS[0]!.digest }] }],
  ['digest of a model', { models: [{ id: 'demo', digest: digest('other weights') }] }],
  ['dropped model', { models: [] }],
  ['hash of capabilities', { capabilities: digest('none') }],
]

/** Report data, identity, signer, nonce, capabilities, models, TLS. */
export const binding: readonly Vector[] = [
  ...unquoted.map(([name, shown]) =>
    vector('report-data', `another ${name} than the quote vouches for`, {
      document: (document) => ({ ...document, binding: bindingWith(document, shown) }),
    }),
  ),
  vector('report-data', 'a quote of another binding', { quotedBinding: { provider: OTHER_ADDRESS } }),
  vector('report-data', 'the report of another nonce under this one', {
    document: quoteOf({ quotedNonce: OTHER_NONCE }),
  }),
  vector('report-data', 'the report of another provider swapped in', {
    document: quoteOf({ binding: { provider: OTHER_ADDRESS } }),
  }),
  vector('report-data', 'a report in the deployed layout under a binding', {
    document: quoteOf({ layout: 'ascii' }),
  }),
  vector('report-data', 'report data that is all zero', { reportData: new Uint8Array(64) }),
  vector('report-data', 'another report data beside the quote', {
    document: (document) => ({ ...document, report_data: Buffer.alloc(64, 1).toString('base64') }),
  }),
  vector('report-data', 'report data in no known layout', {
    layout: 'ascii',
    reportData: new Uint8Array(64).fill(9),
  }),
  vector('report-data', 'an ASCII address with something after it', {
    layout: 'ascii',
    reportData: Buffer.concat([Buffer.from(PROVIDER), Buffer.alloc(21), Buffer.from([1])]),
  }),
  vector('signer-on-chain', 'an ASCII text that is no address', {
    layout: 'ascii',
    reportData: Buffer.from('not an address'.padEnd(64, '\0')),
  }),
  vector('report-data', 'a sealed layout of a version that is not known', {
    layout: 'sealed',
    reportData: Buffer.from(`${ENCRYPTION_KEY}${OTHER_SIGNER.slice(2)}00000002${'00'.repeat(8)}`, 'hex'),
  }),
  vector('report-data', "a model server's report that states another signer", {
    layout: 'model',
    document: (document) => ({ ...document, signing_address: OTHER_SIGNER }),
  }),

  vector('identity', 'evidence of another provider', { binding: { provider: OTHER_ADDRESS } }),
  vector('identity', 'evidence for another contract', { binding: { contract: OTHER_ADDRESS } }),
  vector('identity', 'evidence for another chain', { binding: { chainId: 16602 } }),
  vector('signer-on-chain', 'evidence of another signer', { binding: { signer: OTHER_SIGNER } }),
  vector('signer-on-chain', 'another signer on chain', { service: { teeSignerAddress: OTHER_SIGNER } }),
  ...(['ascii', 'sealed', 'model'] as const).map((layout) =>
    vector('signer-on-chain', `another signer in the ${layout} layout`, {
      layout,
      quotedBinding: { signer: OTHER_SIGNER },
    }),
  ),
  vector('signer-acknowledged', 'a signer that the contract does not acknowledge', {
    service: { teeSignerAcknowledged: false },
  }),

  vector('freshness', 'a replayed nonce', { quotedNonce: OTHER_NONCE }),
  vector('freshness', "a replayed nonce in a model server's layout", {
    layout: 'model',
    quotedNonce: OTHER_NONCE,
  }),
  vector('freshness', 'a nonce that is stated and not quoted', {
    layout: 'model',
    document: (document) => ({ ...document, request_nonce: OTHER_NONCE }),
  }),
  vector('freshness', 'no nonce, where the policy requires one', {
    layout: 'ascii',
    policy: { nonce: 'required' },
  }),
  vector('freshness', 'no nonce of this call, where the policy requires one', {
    given: { nonce: null },
    policy: { nonce: 'required' },
  }),
  vector('report-data', 'no nonce beside a quote that has one, where the policy requires it', {
    document: ({ nonce: _, ...document }) => document,
    quotedBinding: { provider: OTHER_ADDRESS },
    policy: { nonce: 'required' },
  }),
  vector('freshness', 'a nonce taken away, where the policy requires one', {
    document: ({ nonce: _, ...document }) => document,
    policy: { nonce: 'required' },
  }),
  vector('report-data', 'this nonce written over another', {
    quotedNonce: OTHER_NONCE,
    document: nonceField((nonce) => ({ ...nonce, value: NONCE })),
  }),
  vector('report-data', 'a nonce that is not in the shared quote', {
    quotedNonce: OTHER_NONCE,
    sharedWith: [digest('a'), digest('b')],
    document: nonceField((nonce) => ({ ...nonce, value: NONCE })),
  }),
  vector('report-data', 'a path with a changed hash', {
    sharedWith: [OTHER_NONCE],
    document: nonceField((nonce) => ({ ...nonce, siblings: [digest('another')] })),
  }),
  vector('report-data', 'a path from another place', {
    sharedWith: [OTHER_NONCE],
    document: nonceField((nonce) => ({ ...nonce, index: 1 })),
  }),
  vector('report-data', 'a path cut short', {
    sharedWith: [OTHER_NONCE, digest('a'), digest('b')],
    document: nonceField((nonce) => ({ ...nonce, siblings: nonce.siblings.slice(0, 1) })),
  }),
  vector('report-data', 'a path that is dropped', {
    sharedWith: [OTHER_NONCE],
    document: nonceField((nonce) => ({ ...nonce, siblings: [] })),
  }),
  vector('report-data', 'a path that is too long for the tree', {
    document: nonceField((nonce) => ({ ...nonce, siblings: [digest('a')] })),
  }),

  vector('capabilities', 'another list of capabilities', {
    given: { capabilities: JSON.stringify({ ...CAPABILITIES, receipt: 2 }) },
  }),
  vector('capabilities', 'stripped capabilities', {
    given: { capabilities: JSON.stringify({ v: 1, quoteNonce: 1 }) },
  }),
  vector('capabilities', 'an empty list of capabilities', { given: { capabilities: '{}' } }),
  vector('capabilities', 'a list that is no JSON', { given: { capabilities: 'none' } }),
  vector('capabilities', 'a capability that was seen before and vanished', {
    given: { seenCapabilities: JSON.stringify({ ...CAPABILITIES, sealed: 1 }) },
  }),
  vector('capabilities', 'an endpoint that was seen before and vanished', {
    given: {
      seenCapabilities: JSON.stringify({
        ...CAPABILITIES,
        endpoints: [...CAPABILITIES.endpoints, '/v1/completions'],
      }),
    },
  }),
  vector('capabilities', 'a version that fell', {
    given: { seenCapabilities: JSON.stringify({ ...CAPABILITIES, receipt: 2 }) },
  }),
  vector('capabilities', 'the deployed layout from a provider that had more', {
    layout: 'model',
    given: { seenCapabilities: JSON.stringify(CAPABILITIES) },
  }),
  vector('capabilities', 'capabilities stripped in the list and in the quote', () => {
    const less = { v: 1, quoteNonce: 1 }
    return {
      binding: { capabilities: capabilitiesDigest(less) },
      given: { capabilities: JSON.stringify(less), seenCapabilities: JSON.stringify(CAPABILITIES) },
    }
  }),

  vector('model-digest', 'announced weights that the quote does not vouch for', {
    given: { models: [{ id: 'demo', digest: digest('other weights') }] },
  }),
  vector('model-digest', 'an announced model that the quote does not name', {
    given: { models: [...MODELS, { id: 'larger', digest: null }] },
  }),
  vector('model-digest', 'announced weights where the quote has none', {
    binding: { models: [{ id: 'demo', digest: null }] },
  }),
  vector('model-digest', 'weights that nobody hashed, where the policy requires it', {
    binding: { models: [{ id: 'demo', digest: null }] },
    given: { models: [{ id: 'demo', digest: null }] },
    policy: { modelDigest: 'required' },
  }),
  vector('model-digest', 'a layout without weights, where the policy requires them', {
    layout: 'model',
    policy: { modelDigest: 'required' },
  }),

  vector('tls-key', 'a connection that ends elsewhere', {
    binding: { tlsSpki: TLS_KEY },
    given: { tlsSpki: digest('the key of the host') },
  }),
  vector('tls-key', 'TLS outside of the enclave, where the policy requires it inside', {
    policy: { tls: 'required' },
  }),

  vector('age', 'evidence that was fetched too long ago', {
    given: { fetchedAt: Date.parse('2026-11-22T10:59:59Z') },
  }),
  vector('age', 'evidence older than a strict policy allows', {
    given: { fetchedAt: Date.parse('2026-11-22T11:59:49Z') },
    policy: { maxEvidenceAgeSeconds: 10 },
  }),
]

function bindingWith(document: Document, change: object = {}): string {
  const value = { ...(JSON.parse(String(document.binding)) as object), ...change }
  // These bindings are flat enough for sorted keys to be their canonical form.
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
