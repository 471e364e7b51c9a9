import { StepList } from '../../attestation/verdict.ts'
import type { ProviderVerdict, VerifierOptions } from '../../attestation/verifyProvider.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import { fileCapabilityStore } from '../../client/capabilities/fileCapabilityStore.ts'
import { type EvidenceFile, isOfNetwork, readEvidenceFile } from '../../client/evidence/evidenceFile.ts'
import { type GatheredEvidence, gatherEvidence } from '../../client/evidence/gatherEvidence.ts'
import { judgeEvidence } from '../../client/evidence/judgeEvidence.ts'
import { onlineSources, type Sources, savedSources } from '../../client/evidence/statements.ts'
import { nodeRuntime } from '../../client/nodeRuntime.ts'
import type { Context } from '../framework/context.ts'

/** Evidence that is to be judged, and whom its verdict may ask. */
export interface Subject {
  readonly network: NetworkProfile
  readonly evidence: GatheredEvidence
  readonly sources: Sources
  judge(options: VerifierOptions, now: number): Promise<ProviderVerdict>
}

interface SubjectOptions {
  readonly offline: boolean
  /** The user wrote the file. */
  readonly isMine: boolean
}

const NO_SOURCES: Sources = { nvidia: null }

/** What a provider shows now. @throws AppError `provider_unknown`, `provider_unreachable`, `provider_slow` */
export async function askProvider(
  context: Context,
  address: Address,
  { offline }: SubjectOptions,
): Promise<Subject> {
  const { network } = context
  const compute = await context.compute({ needsAccount: false })
  const runtime = openRuntime(context)
  const evidence = await gatherEvidence(runtime, await compute.provider(address))
  const owner = { chainId: network.chainId, contract: network.inference, provider: address }
  const seenCapabilities = await fileCapabilityStore(context.paths.state).seen(owner)
  return {
    network,
    evidence,
    sources: offline ? NO_SOURCES : onlineSources(runtime),
    judge: (options, now) => judgeEvidence(network, { ...evidence, seenCapabilities }, options, now),
  }
}

/**
 * What a provider showed when a file was saved. The chain is asked for its signer unless offline; then, and for the
 * nonce and the TLS key, there is only the file's word, which counts for whoever wrote it.
 * @throws AppError `evidence_malformed` (exit 30), `evidence_other_network`
 */
export async function openFile(
  context: Context,
  text: string,
  { offline, isMine }: SubjectOptions,
): Promise<Subject> {
  const { network } = context
  const file = readEvidenceFile(text)
  if (!isOfNetwork(file, network)) throw otherNetwork(file, network)
  const next = offline ? null : onlineSources(openRuntime(context))
  const service = offline ? file.evidence.service : await serviceNow(context, file)
  const evidence = { ...file.evidence, service }
  const { nonce, tlsSpki } = isMine ? evidence : { nonce: null, tlsSpki: null }
  return {
    network,
    evidence,
    sources: savedSources(file.statements, next, { isMine }),
    judge: async (options, now) => {
      const verdict = await judgeEvidence(network, { ...evidence, nonce, tlsSpki }, options, now)
      return offline && !isMine ? withoutChain(verdict, evidence) : verdict
    },
  }
}

async function serviceNow(context: Context, { evidence }: EvidenceFile) {
  const compute = await context.compute({ needsAccount: false })
  return compute.provider(evidence.service.provider)
}

/** Nobody but the file says who signs for the provider. */
function withoutChain(verdict: ProviderVerdict, { service }: GatheredEvidence): ProviderVerdict {
  const steps = new StepList()
  steps.missing(
    'chain',
    `not asked: that ${service.teeSignerAddress} signs for the provider is the file's word`,
  )
  const outcome = verdict.outcome === 'rejected' ? 'rejected' : 'incomplete'
  return { ...verdict, outcome, steps: [...steps.verdict('none').steps, ...verdict.steps] }
}

function openRuntime(context: Context) {
  const runtime = nodeRuntime()
  context.onClose(() => runtime.close())
  return runtime
}

const otherNetwork = ({ network: own }: EvidenceFile, network: NetworkProfile): AppError =>
  new AppError({
    code: 'evidence_other_network',
    message: `The evidence is from chain ${own.chainId}, contract ${own.inference}; ${network.name} is chain ${network.chainId}, contract ${network.inference}`,
    hint: 'Choose the network that it is from with --network',
    next: '0g-compute network list',
    exitCode: EXIT.usage,
  })
