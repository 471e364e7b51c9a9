import { expectedSigners } from '../../attestation/signers.ts'
import { combineVerdicts, StepList, type Verdict } from '../../attestation/verdict.ts'
import {
  type ProviderVerdict,
  type VerifierOptions,
  verifyModelServer,
  verifyProvider,
} from '../../attestation/verifyProvider.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import { type GatheredEvidence, hasModelServer } from './gatherEvidence.ts'

/** Evidence that is judged when it was fetched, or later. */
export interface JudgedEvidence extends Omit<GatheredEvidence, 'nonce'> {
  /** Null where it is not known who chose the nonce. */
  readonly nonce: string | null
  /** The list of capabilities that was last accepted from this provider. */
  readonly seenCapabilities?: string | null
}

/**
 * The verdict on a provider, and on its model's server where that has a key of its own: its steps follow under
 * `model-server/…`.
 * @param now ms
 * @throws AppError `evidence_malformed` (exit 30)
 */
export async function judgeEvidence(
  network: NetworkProfile,
  gathered: JudgedEvidence,
  options: VerifierOptions,
  now: number,
): Promise<ProviderVerdict> {
  const provider = await verifyProvider({ ...gathered, network, now }, options)
  if (!hasModelServer(gathered.service)) return provider
  const combined = combineVerdicts(
    provider,
    prefixed(await judgeModelServer(network, gathered, options, now)),
  )
  const isRejected = combined.outcome === 'rejected'
  return { ...provider, ...combined, encryptionKey: isRejected ? null : provider.encryptionKey }
}

async function judgeModelServer(
  network: NetworkProfile,
  { service, modelServer: document, nonce, fetchedAt }: JudgedEvidence,
  options: VerifierOptions,
  now: number,
): Promise<Verdict> {
  const signer = expectedSigners(service).text
  if (document === null) {
    const steps = new StepList()
    steps.missing('evidence', `the model's server shows no report for its key ${signer}`)
    return steps.verdict('none')
  }
  // A server that does not know the question takes a nonce of its own: replayable, which is no contradiction.
  const asked = nonce !== null && document.includes(nonce) ? nonce : null
  return verifyModelServer({ network, service, signer, document, nonce: asked, fetchedAt, now }, options)
}

const prefixed = (verdict: Verdict): Verdict => ({
  ...verdict,
  steps: verdict.steps.map((step) => ({ ...step, name: `model-server/${step.name}` })),
})
