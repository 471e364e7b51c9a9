import { DEFAULT_POLICY, type Policy } from '../attestation/policy.ts'
import { type ExpectedSigners, expectedSigners, isUnattested } from '../attestation/signers.ts'
import { firstFailure } from '../attestation/verdict.ts'
import { circumstancesText, VerdictCache } from '../attestation/verdictCache.ts'
import type { ProviderVerdict } from '../attestation/verifyProvider.ts'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { Service } from '../chain/inference.ts'
import { type Abilities, abilitiesIn } from './capabilities/abilities.ts'
import { abilitiesOf, capabilityOwner } from './capabilities/abilitiesOf.ts'
import type { BuyerSession } from './session.ts'

export interface CheckedProvider {
  readonly verdict: ProviderVerdict
  readonly signers: ExpectedSigners
  readonly abilities: Abilities
}

/** Verdicts of a session, which has one policy. */
const caches = new WeakMap<BuyerSession, VerdictCache>()
/** What the broker of each could do. */
const abilities = new WeakMap<ProviderVerdict, Abilities>()

/**
 * Judges a provider's evidence: fetched with a nonce of this client, once, and again when it is older than the
 * policy allows.
 * @throws AppError `evidence_malformed` (exit 30), `provider_unreachable`, `provider_slow`
 */
export async function checkProvider(
  session: BuyerSession,
  service: Service,
  policy: Policy = session.policy ?? DEFAULT_POLICY,
): Promise<CheckedProvider> {
  const cache = caches.get(session) ?? new VerdictCache(policy.maxEvidenceAgeSeconds)
  caches.set(session, cache)
  const signers = expectedSigners(service)
  const recalled = cache.recall({ network: session.network, service }, session.runtime.now())
  const kept = recalled ? null : keptVerdict(session, service, policy)
  const verdict = recalled ?? kept?.verdict ?? (await fetchVerdict(session, service, policy, cache))
  if (verdict.outcome !== 'rejected')
    session.runtime.expectTlsKey(service.provider, service.url, verdict.binding?.tlsSpki ?? null)
  if (kept) return { ...kept, signers }
  return { verdict, signers, abilities: abilities.get(verdict) ?? (await abilitiesOf(session, service)) }
}

/** The evidence of a provider is looked at anew from now on. */
export function forgetVerdicts(session: BuyerSession, provider: Address): void {
  caches.delete(session)
  session.cache?.forget(keptName(provider))
}

/** A verdict of an earlier process holds so long at most, ms: a provider may have started anew since. */
const KEPT_MS = 10 * 60_000

interface KeptVerdict extends Pick<CheckedProvider, 'verdict' | 'abilities'> {
  /** For what, and by which policy, it was drawn. */
  readonly circumstances: string
  /** ms */
  readonly fetchedAt: number
}

const keptName = (provider: Address): string => `verdict-${provider.toLowerCase()}`

const circumstancesOf = ({ network }: BuyerSession, service: Service, policy: Policy): string =>
  circumstancesText({ network, service }) + JSON.stringify(policy)

/** What an earlier process of this user came to, where nothing on chain has changed since. */
function keptVerdict(session: BuyerSession, service: Service, policy: Policy): KeptVerdict | null {
  const kept = session.cache?.read(keptName(service.provider)) as KeptVerdict | null | undefined
  if (kept?.circumstances !== circumstancesOf(session, service, policy)) return null
  const age = session.runtime.now() - kept.fetchedAt
  return age >= 0 && age <= Math.min(KEPT_MS, policy.maxEvidenceAgeSeconds * 1000) ? kept : null
}

async function fetchVerdict(
  session: BuyerSession,
  service: Service,
  policy: Policy,
  cache: VerdictCache,
): Promise<ProviderVerdict> {
  const { network, runtime } = session
  const [{ gatherEvidence }, { judgeEvidence }, { onlineSources }] = await Promise.all([
    import('./evidence/gatherEvidence.ts'),
    import('./evidence/judgeEvidence.ts'),
    import('./evidence/statements.ts'),
  ])
  const gathered = await gatherEvidence(runtime, service)
  const owner = capabilityOwner(session, service)
  const seenCapabilities = await session.capabilities.seen(owner)
  const options = { policy, ...onlineSources(runtime) }
  const verdict = await judgeEvidence(network, { ...gathered, seenCapabilities }, options, gathered.fetchedAt)
  const document = gathered.document ?? (isUnattested(service) ? '' : null)
  if (document !== null) cache.remember({ network, service }, document, verdict, gathered.fetchedAt)
  const able = abilitiesIn(gathered.capabilities)
  abilities.set(verdict, able)
  if (verdict.outcome !== 'rejected') {
    const circumstances = circumstancesOf(session, service, policy)
    const kept: KeptVerdict = { circumstances, verdict, abilities: able, fetchedAt: gathered.fetchedAt }
    session.cache?.write(keptName(service.provider), kept)
  }
  if (verdict.outcome === 'accepted' && gathered.capabilities !== null)
    await session.capabilities.remember(owner, gathered.capabilities)
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
