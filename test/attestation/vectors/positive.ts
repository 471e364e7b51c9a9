import { createAuthority } from '../../../src/provider/tee/simulated/authority.ts'
import { CAPABILITIES, DAY, NOW, OTHER_NONCE, TLS_KEY } from '../support/scene.ts'
import { type Vector, vector } from './vector.ts'

/** Honest evidence in every form that has to be accepted. */
export const positive: readonly Vector[] = [
  vector('-', 'bound to a nonce, TDX version 4', {}),
  vector('-', 'TDX version 5 with a TDX 1.5 body', { quote: { version: 5 } }),
  vector('-', 'a nonce that shares its quote with one other', { sharedWith: [OTHER_NONCE] }),
  vector('-', 'a nonce that shares its quote with many', {
    sharedWith: Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(64, '0')),
  }),
  vector('-', "a model server's layout with this call's nonce", { layout: 'model' }),
  vector('-', 'GPU evidence that NVIDIA vouches for', { gpu: true }),
  vector('-', "a model server's layout with GPU evidence", { layout: 'model', gpu: true }),
  vector('-', 'GPU evidence where the policy requires it', { gpu: true, policy: { gpu: 'required' } }),
  vector('-', 'TLS that ends in the enclave', {
    binding: { tlsSpki: TLS_KEY },
    given: { tlsSpki: TLS_KEY },
    policy: { tls: 'required' },
  }),
  vector('-', 'a platform that the policy allows to need hardening', {
    collateral: { tcbStatus: 'SWHardeningNeeded' },
  }),
  vector('-', 'a platform that is out of date, where the policy allows it', {
    collateral: { tcbStatus: 'OutOfDate' },
    policy: { tcbStatuses: ['UpToDate', 'OutOfDate'] },
  }),
  vector('-', 'an advisory that the policy accepts', {
    collateral: { tcbStatus: 'SWHardeningNeeded', advisories: ['INTEL-SA-00001'] },
    policy: { advisories: ['INTEL-SA-00001'] },
  }),
  vector('-', 'lists that revoke other certificates', {
    collateral: { revokedByRoot: [Buffer.from('51', 'hex')], revokedPlatforms: [Buffer.from('52', 'hex')] },
  }),
  vector('-', 'a list of capabilities that has grown', {
    given: { seenCapabilities: JSON.stringify({ v: 1, endpoints: CAPABILITIES.endpoints.slice(0, 1) }) },
  }),
  vector('-', 'a quote without the padding of dstack', { quote: { padding: 0 } }),
  vector('-', 'a log that leaves the digests of runtime events to be computed', {
    document: (document) => ({
      ...document,
      event_log: JSON.stringify(
        (JSON.parse(String(document.event_log)) as { imr: number }[]).map((event) =>
          event.imr === 3 ? { ...event, digest: '' } : event,
        ),
      ),
    }),
  }),
  vector('-', 'a service that states what is so', {
    service: {
      additionalInfo: JSON.stringify({
        TEEVerifier: 'dstack',
        TargetSeparated: false,
        ProviderType: 'decentralized',
      }),
    },
  }),
  vector('-', 'weights that the broker did not load, where the policy ignores them', {
    binding: { models: [{ id: 'demo', digest: null }] },
    given: { models: [{ id: 'demo', digest: null }] },
  }),
  vector('-', 'a fresh authority', () => ({ authority: createAuthority({ now: NOW - DAY }) })),
  vector('-', 'evidence that was fetched a little while ago', { given: { fetchedAt: NOW - 3_599_000 } }),
]
