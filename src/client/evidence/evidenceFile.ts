import type { JSONWebKeySet } from 'jose'
import { MAX_EVIDENCE } from '../../attestation/evidence.ts'
import { malformedEvidence } from '../../attestation/malformed.ts'
import { type Address, isAddress, sameAddress } from '../../base/hex.ts'
import type { Service } from '../../chain/inference.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { GatheredEvidence } from './gatherEvidence.ts'

/** What third parties stated about the evidence, each by sha256 of what it is about. */
export interface Statements {
  /** Of a platform's maker, by quote. */
  readonly collateral: Readonly<Record<string, unknown>>
  /** Of NVIDIA's verifier, by payload. */
  readonly gpu: Readonly<Record<string, unknown>>
  readonly nvidiaKeys: JSONWebKeySet | null
}

/** Evidence as it is kept: with it a verdict can be drawn again, anywhere and without a network. */
export interface EvidenceFile {
  readonly v: 1
  readonly network: Pick<NetworkProfile, 'chainId' | 'inference'>
  readonly evidence: GatheredEvidence
  readonly statements: Statements
}

export function writeEvidenceFile({ network, evidence, statements }: Omit<EvidenceFile, 'v'>): string {
  const { chainId, inference } = network
  const file: EvidenceFile = { v: 1, network: { chainId, inference }, evidence, statements }
  const text = JSON.stringify(
    file,
    (_key, value) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  )
  return `${text}\n`
}

/**
 * Reads a file that `writeEvidenceFile` made. Its documents are read when they are judged.
 * @throws AppError `evidence_malformed` (exit 30) for anything else
 */
export function readEvidenceFile(text: string): EvidenceFile {
  if (text.length > 4 * MAX_EVIDENCE) throw malformedEvidence('the file is too long')
  const file = objectOf(parseJson(text), 'the file')
  if (file.v !== 1) throw malformedEvidence('the file is no saved evidence of version 1')
  const { chainId, inference } = objectOf(file.network, 'its network')
  if (!isCount(chainId) || !isAddress(inference)) throw malformedEvidence('its network has no contract')
  return {
    v: 1,
    network: { chainId: chainId as number, inference },
    evidence: readGathered(objectOf(file.evidence, 'its evidence')),
    statements: readStatements(objectOf(file.statements, 'its statements')),
  }
}

/** Whether evidence is about a provider of this network. */
export const isOfNetwork = (file: EvidenceFile, network: NetworkProfile): boolean =>
  file.network.chainId === network.chainId && sameAddress(file.network.inference, network.inference)

type Fields = Readonly<Record<string, unknown>>

function readGathered(fields: Fields): GatheredEvidence {
  const { fetchedAt, nonce, models } = fields
  if (!isCount(fetchedAt)) throw malformedEvidence('it has no time')
  if (typeof nonce !== 'string' || !/^[0-9a-f]{64}$/.test(nonce)) throw malformedEvidence('it has no nonce')
  return {
    service: readService(objectOf(fields.service, 'its service')),
    fetchedAt: fetchedAt as number,
    nonce,
    document: textOrNull(fields.document, 'its document'),
    capabilities: textOrNull(fields.capabilities, 'its list of capabilities'),
    models: models === null ? null : readModels(models),
    modelServer: textOrNull(fields.modelServer, "its model server's report"),
    tlsSpki: textOrNull(fields.tlsSpki ?? null, 'its TLS key'),
  }
}

function readModels(value: unknown): GatheredEvidence['models'] {
  if (!Array.isArray(value)) throw malformedEvidence('its models are no list')
  return value.map((item) => {
    const { id, digest } = objectOf(item, 'a model')
    if (typeof id !== 'string') throw malformedEvidence('a model has no name')
    return { id, digest: textOrNull(digest, 'the digest of a model') }
  })
}

const TEXTS = ['serviceType', 'url', 'model', 'verifiability', 'additionalInfo'] as const
const ADDRESSES = ['provider', 'teeSignerAddress'] as const
const PRICES = ['inputPrice', 'outputPrice'] as const

function readService(fields: Fields): Service {
  for (const name of TEXTS)
    if (typeof fields[name] !== 'string') throw malformedEvidence(`its service has no ${name}`)
  for (const name of ADDRESSES)
    if (!isAddress(fields[name])) throw malformedEvidence(`its service has no ${name}`)
  for (const name of PRICES) {
    if (typeof fields[name] !== 'string' || !/^\d{1,78}$/.test(fields[name]))
      throw malformedEvidence(`its service has no ${name}`)
  }
  if (!isCount(fields.updatedAt) || typeof fields.teeSignerAcknowledged !== 'boolean')
    throw malformedEvidence('its service is not whole')
  const service = fields as unknown as Service & Record<(typeof PRICES)[number], string>
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, service[name]])),
    provider: service.provider as Address,
    teeSignerAddress: service.teeSignerAddress as Address,
    teeSignerAcknowledged: service.teeSignerAcknowledged,
    updatedAt: service.updatedAt,
    inputPrice: BigInt(service.inputPrice),
    outputPrice: BigInt(service.outputPrice),
  } as Service
}

function readStatements({ collateral, gpu, nvidiaKeys }: Fields): Statements {
  return {
    collateral: objectOf(collateral, 'its collateral'),
    gpu: objectOf(gpu, "NVIDIA's statements"),
    nvidiaKeys:
      nvidiaKeys === null ? null : (objectOf(nvidiaKeys, "NVIDIA's keys") as unknown as JSONWebKeySet),
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function textOrNull(value: unknown, what: string): string | null {
  if (value === null || typeof value === 'string') return value
  throw malformedEvidence(`${what} is no text`)
}

function objectOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw malformedEvidence(`${what} is no object`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformedEvidence('the file is no JSON', error)
  }
}
