import type { Address } from '../base/hex.ts'
import type { Service } from '../chain/inference.ts'
import { allowsSimulatedTee, type NetworkProfile } from '../chain/networks.ts'
import { bindingDigest, type QuoteBinding } from '../protocol/quoteBinding.ts'
import { checkBinding, checkCapabilities } from './checkBinding.ts'
import { checkMeasurements } from './checkMeasurements.ts'
import { checkQuote, readRoot } from './checkQuote.ts'
import {
  type AnnouncedModel,
  checkAdditionalInfo,
  checkGpu,
  checkModels,
  checkTls,
  type NvidiaVerifier,
} from './checkService.ts'
import { type Collateral, readCollateral } from './collateral.ts'
import { type Evidence, readEvidence } from './evidence.ts'
import { DEFAULT_POLICY, devnetPolicy, type Policy } from './policy.ts'
import { isUnattested } from './signers.ts'
import type { TdxQuote } from './tdxQuote.ts'
import { StepList, type Verdict } from './verdict.ts'

/** What a verifier has been given, and by whom. Nothing here is believed because the provider said it. */
export interface ProviderEvidence {
  readonly network: NetworkProfile
  /** As registered on chain. */
  readonly service: Service
  /** Body of `GET /v1/quote`, or null when the provider serves none. */
  readonly document: string | null
  /** The nonce that the document was asked for with, 64 hex digits. */
  readonly nonce?: string | null
  /** Body of `GET /v1/capabilities`, where it was fetched. */
  readonly capabilities?: string | null
  /** The list that was last accepted from this provider: none of it may vanish. */
  readonly seenCapabilities?: string | null
  /** Models of `GET /v1/models`, where they were fetched. */
  readonly models?: readonly AnnouncedModel[] | null
  /** sha256 of the peer's TLS key, 64 hex digits, where the client can see it. */
  readonly tlsSpki?: string | null
  /** ms; when the document was fetched. Default `now`. */
  readonly fetchedAt?: number
  /** ms; default the clock. */
  readonly now?: number
}

/** What the verifier itself brings along. */
export interface VerifierOptions {
  /** Default `DEFAULT_POLICY`. */
  readonly policy?: Policy
  /** Intel's statements about the platform; default those in the document, which are signed too. */
  readonly collateral?: Collateral | null
  /** Asked when neither has any; null when there is none. */
  readonly fetchCollateral?: (quote: TdxQuote) => Promise<unknown>
  readonly nvidia?: NvidiaVerifier | null
  /** Root certificate, DER; default Intel's. */
  readonly root?: Uint8Array
}

export interface ProviderVerdict extends Verdict {
  /** What the provider's receipts must name, 64 hex digits: sha256 of the binding, else of the document. Null without one. */
  readonly evidence: string | null
  /** What the quote vouches for; null in the layouts of the deployed network. */
  readonly binding: QuoteBinding | null
  /** X25519 key of the enclave, 64 hex digits, to seal requests to; only from evidence that was not rejected. */
  readonly encryptionKey: string | null
}

/**
 * Decides what stands behind a provider's signing key: evidence in, verdict out. No HTTP but by the functions that
 * are passed in.
 *
 * Simulated evidence counts only where `allowsSimulatedTee` says so, under the root of the devnet's own profile.
 * @throws AppError `evidence_malformed` (exit 30) for a document that cannot be read
 * @example
 * const verdict = await verifyProvider({ network, service, document, nonce })
 * if (verdict.outcome !== 'accepted') console.log(verdict.steps.filter(({ result }) => result !== 'pass'))
 */
export async function verifyProvider(
  given: ProviderEvidence,
  options: VerifierOptions = {},
): Promise<ProviderVerdict> {
  const { network, service, document } = given
  const steps = new StepList()
  if (isUnattested(service)) return withoutTee(steps, given)
  steps.check('signer-acknowledged', service.teeSignerAcknowledged, 'the contract acknowledges the signer')
  if (document === null) {
    steps.missing('evidence', 'the provider serves no evidence for its key')
    if (given.seenCapabilities)
      steps.check('capabilities', false, 'what was seen before is still there', 'all of it vanished')
    return { ...steps.verdict('none'), evidence: null, binding: null, encryptionKey: null }
  }
  const evidence = readEvidence(document)
  const expected = {
    chainId: network.chainId,
    contract: network.inference,
    provider: service.provider,
    signer: service.teeSignerAddress,
    nonce: given.nonce ?? null,
  }
  return conclude(steps, evidence, { ...given, expected, url: service.url }, options)
}

/** Nothing is wrong with it, and nothing is shown. What it once could show may not vanish. */
function withoutTee(steps: StepList, { seenCapabilities }: ProviderEvidence): ProviderVerdict {
  steps.missing(
    'tee',
    'the provider runs without a TEE: nothing proves what computed its answers, and its machine reads them; it is paid by vouchers, for what was checked here',
  )
  if (seenCapabilities)
    steps.check(
      'capabilities',
      false,
      'what was seen before is still there',
      'it had evidence, and now has none',
    )
  return { ...steps.verdict('none'), evidence: null, binding: null, encryptionKey: null }
}

/** A model server of its own enclave, as `GET /v1/proxy/attestation/report` shows it. */
export interface ModelServerEvidence
  extends Omit<ProviderEvidence, 'capabilities' | 'seenCapabilities' | 'models'> {
  /** `TargetTeeAddress` of the service on chain. */
  readonly signer: Address
  readonly document: string
}

/**
 * Decides what stands behind the key of a model server that signs for itself.
 * @throws AppError `evidence_malformed` (exit 30)
 */
export async function verifyModelServer(
  given: ModelServerEvidence,
  options: VerifierOptions = {},
): Promise<ProviderVerdict> {
  const { network, service, signer } = given
  const expected = {
    chainId: network.chainId,
    contract: network.inference,
    provider: service.provider,
    signer,
    nonce: given.nonce ?? null,
  }
  return conclude(
    new StepList(),
    readEvidence(given.document),
    { ...given, expected, url: service.url },
    options,
  )
}

interface Situation extends Omit<ProviderEvidence, 'document'> {
  readonly expected: Parameters<typeof checkBinding>[2]
  readonly url: string
}

async function conclude(
  steps: StepList,
  evidence: Evidence,
  given: Situation,
  options: VerifierOptions,
): Promise<ProviderVerdict> {
  const { network, service, url } = given
  const now = given.now ?? Date.now()
  const trust = allowsSimulatedTee(network, url) ? (network.simulatedTee ?? null) : null
  const stated = options.policy ?? DEFAULT_POLICY
  const roots = { ...(options.root && { tdx: options.root }), simulated: trust && readRoot(trust.root) }
  const collateral = await collateralFor(evidence, options)
  const assurance = await checkQuote(steps, { quote: evidence.quote, collateral, roots, policy: stated, now })
  // What a devnet may run is no reason to believe hardware elsewhere.
  const policy = trust && assurance === 'simulated' ? devnetPolicy(stated, trust) : stated
  const bound = checkBinding(steps, evidence, given.expected, policy)
  checkAge(steps, given.fetchedAt ?? now, now, policy)
  await checkMeasurements(steps, evidence, policy)
  checkModels(steps, evidence, given.models ?? null, policy)
  checkCapabilities(steps, evidence, given.capabilities ?? null, given.seenCapabilities ?? null)
  checkTls(steps, evidence, url, given.tlsSpki ?? null, policy)
  await checkGpu(steps, evidence, bound.layout, policy, options.nvidia ?? null, now)
  checkAdditionalInfo(steps, service, evidence)
  const verdict = steps.verdict(assurance)
  const isRejected = verdict.outcome === 'rejected'
  return {
    ...verdict,
    assurance: isRejected ? 'none' : assurance,
    evidence: evidence.binding ? bindingDigest(evidence.binding.text) : evidence.digest,
    binding: evidence.binding?.value ?? null,
    encryptionKey: isRejected ? null : bound.encryptionKey,
  }
}

async function collateralFor(evidence: Evidence, options: VerifierOptions): Promise<Collateral | null> {
  if (options.collateral) return options.collateral
  if (evidence.collateral) return evidence.collateral
  const fetched = await options.fetchCollateral?.(evidence.quote).catch(() => null)
  return fetched ? readCollateral(fetched) : null
}

function checkAge(steps: StepList, fetchedAt: number, now: number, { maxEvidenceAgeSeconds }: Policy): void {
  const ageSeconds = Math.max(0, Math.floor((now - fetchedAt) / 1000))
  steps.check(
    'age',
    ageSeconds <= maxEvidenceAgeSeconds,
    `fetched at most ${maxEvidenceAgeSeconds} s ago`,
    `${ageSeconds} s ago`,
  )
}
