import { DEFAULT_POLICY, type Policy } from '../attestation/policy.ts'
import { type ExpectedSigners, expectedSigners } from '../attestation/signers.ts'
import { firstFailure } from '../attestation/verdict.ts'
import { VerdictCache } from '../attestation/verdictCache.ts'
import { type ProviderVerdict, verifyProvider } from '../attestation/verifyProvider.ts'
import { AppError, EXIT } from '../base/errors.ts'
import type { Service } from '../chain/inference.ts'
import { NONCE_BYTES } from '../protocol/quoteBinding.ts'
import { BrokerApi } from './brokerApi.ts'
import { fetchCollateral, nvidiaVerifier } from './evidenceSources.ts'
import type { Session } from './session.ts'

export interface CheckedProvider {
  readonly verdict: ProviderVerdict
  readonly signers: ExpectedSigners
}

/** Verdicts of a session, which has one policy. */
const caches = new WeakMap<Session, VerdictCache>()

/**
 * Judges a provider's evidence: fetched with a nonce of this client, once, and again when it is older than the
 * policy allows.
 * @throws AppError `evidence_malformed` (exit 30), `provider_unreachable`, `provider_slow`
 */
export async function checkProvider(
  session: Session,
  service: Service,
  policy: Policy = DEFAULT_POLICY,
): Promise<CheckedProvider> {
  const cache = caches.get(session) ?? new VerdictCache(policy.maxEvidenceAgeSeconds)
  caches.set(session, cache)
  const signers = expectedSigners(service)
  const recalled = cache.recall({ network: session.network, service }, session.runtime.now())
  if (recalled) return { verdict: recalled, signers }
  return { verdict: await fetchVerdict(session, service, policy, cache), signers }
}

async function fetchVerdict(
  session: Session,
  service: Service,
  policy: Policy,
  cache: VerdictCache,
): Promise<ProviderVerdict> {
  const { network, runtime } = session
  const broker = new BrokerApi(runtime, service.url)
  const nonce = runtime.randomHex(NONCE_BYTES)
  const [document, capabilities, models] = await Promise.all([
    broker.quote(nonce),
    broker.capabilities(),
    // A provider that lists no models sells the one on chain.
    broker.models().catch(() => null),
  ])
  const now = runtime.now()
  const given = { network, service, document, nonce, capabilities, models, now }
  const verdict = await verifyProvider(given, { policy, fetchCollateral, nvidia: nvidiaVerifier(runtime) })
  if (document !== null) cache.remember({ network, service }, document, verdict, now)
  return verdict
}

/** @throws AppError `provider_rejected` (exit 10): nothing is sent to a provider whose evidence is wrong */
export function assertNotRejected({ verdict }: CheckedProvider, service: Service): void {
  const failure = firstFailure(verdict)
  if (!failure) return
  throw new AppError({
    code: 'provider_rejected',
    message: `The evidence of provider ${service.provider} is wrong at step "${failure.name}": ${failure.detail}`,
    hint: 'Nothing was sent to it and nothing was paid. Choose another provider',
    next: '0g-compute provider list',
    exitCode: EXIT.rejected,
    details: { step: failure.name },
  })
}
