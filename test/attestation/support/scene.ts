import { createHash } from 'node:crypto'
import type { Policy } from '../../../src/attestation/policy.ts'
import { DEFAULT_POLICY } from '../../../src/attestation/policy.ts'
import { asciiReportData, keccakHex } from '../../../src/attestation/reportData.ts'
import type { ProviderEvidence, VerifierOptions } from '../../../src/attestation/verifyProvider.ts'
import type { Address } from '../../../src/base/hex.ts'
import { hexToBytes } from '../../../src/base/hex.ts'
import type { Service } from '../../../src/chain/inference.ts'
import { builtInNetwork, type NetworkProfile } from '../../../src/chain/networks.ts'
import {
  bindingText,
  boundReportData,
  capabilitiesDigest,
  nonceTree,
  type QuoteBinding,
} from '../../../src/protocol/quoteBinding.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import { type Authority, createAuthority } from '../../../src/provider/tee/simulated/authority.ts'
import { type CollateralOptions, issueCollateral } from '../../../src/provider/tee/simulated/collateral.ts'
import {
  describe as describeMachine,
  type Machine,
  reportOf,
  simulatedMachine,
  trustIn,
} from '../../../src/provider/tee/simulated/machine.ts'
import {
  issueQuote,
  type QuoteOptions,
  type TdReportFields,
} from '../../../src/provider/tee/simulated/quote.ts'
import { gpuPayload, type NvidiaFaults, nvidiaStandIn } from './nvidiaStandIn.ts'

/** When everything in these scenes happens. */
export const NOW = Date.parse('2026-11-22T12:00:00Z')
export const DAY = 86_400_000
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export const SIGNER: Address = addressOf(createHash('sha256').update('the enclave').digest())
export const OTHER_SIGNER: Address = addressOf(createHash('sha256').update('another enclave').digest())
export const PROVIDER: Address = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
export const NONCE = sha256('the nonce of this call')
export const OTHER_NONCE = sha256('the nonce of another call')
export const MODELS = [{ id: 'demo', digest: sha256('weights') }]
export const CAPABILITIES = {
  v: 1,
  quoteNonce: 1,
  receipt: 1,
  endpoints: ['/v1/chat/completions', '/v1/embeddings'],
}
export const ENCRYPTION_KEY = sha256('encryption key')
export const TLS_KEY = sha256('TLS key')

const PROFILE: NetworkProfile = {
  ...builtInNetwork('testnet'),
  name: 'devnet',
  kind: 'devnet',
  chainId: 31337,
  rpcUrls: ['http://127.0.0.1:8545'],
}

/** Authorities are costly to make; every scene has this one unless it says otherwise. */
export const AUTHORITY: Authority = createAuthority({ now: NOW - 30 * DAY })

export type Document = Record<string, unknown>

/** What differs from an honest provider's evidence, and from an honest caller's question. */
export interface SceneChanges {
  readonly authority?: Authority
  /** The authority that the profile names. Default the one that issues. */
  readonly trusted?: Authority
  readonly appCompose?: string
  readonly machine?: (machine: Machine) => Machine
  readonly layout?: 'bound' | 'ascii' | 'sealed' | 'model'
  readonly binding?: Partial<QuoteBinding>
  /** What the quote is bound to, where it differs from what the document shows. */
  readonly quotedBinding?: Partial<QuoteBinding>
  readonly quotedNonce?: string
  readonly sharedWith?: readonly string[]
  readonly report?: (report: TdReportFields) => TdReportFields
  readonly reportData?: Uint8Array
  readonly quote?: QuoteOptions
  readonly rawQuote?: (quote: Buffer) => Uint8Array
  readonly collateral?: Partial<CollateralOptions> | null
  readonly rawCollateral?: (collateral: Record<string, string>) => unknown
  /** GPU evidence: with the right nonce, or as given. */
  readonly gpu?: true | string
  readonly document?: (document: Document) => Document
  /** The document's text. */
  readonly text?: (text: string) => string
  readonly service?: Partial<Service>
  readonly network?: Partial<NetworkProfile>
  readonly given?: Partial<ProviderEvidence>
  readonly policy?: Partial<Policy>
  readonly nvidia?: NvidiaFaults | null
  readonly options?: VerifierOptions
}

export interface Scene {
  readonly given: ProviderEvidence
  readonly options: VerifierOptions
}

/** An honest provider's evidence and everything around it, with changes. */
export function scene(changes: SceneChanges = {}): Scene {
  const authority = changes.authority ?? AUTHORITY
  const machine = (changes.machine ?? ((same) => same))(simulatedMachine(changes.appCompose))
  const text = (changes.text ?? ((same) => same))(JSON.stringify(documentOf(authority, machine, changes)))
  // The profile knows the honest machine only.
  const trust = trustIn(simulatedMachine(), (changes.trusted ?? authority).root.certificate)
  const network: NetworkProfile = { ...PROFILE, simulatedTee: trust, ...changes.network }
  return {
    given: {
      network,
      service: { ...SERVICE, ...changes.service },
      document: text,
      nonce: NONCE,
      capabilities: JSON.stringify(CAPABILITIES),
      models: MODELS,
      now: NOW,
      fetchedAt: NOW,
      ...changes.given,
    },
    options: {
      policy: { ...DEFAULT_POLICY, ...changes.policy },
      ...(changes.nvidia !== null && { nvidia: nvidiaStandIn(NOW, changes.nvidia) }),
      ...changes.options,
    },
  }
}

const SERVICE: Service = {
  provider: PROVIDER,
  serviceType: 'chatbot',
  url: 'http://127.0.0.1:3080',
  inputPrice: 1n,
  outputPrice: 2n,
  updatedAt: 1,
  model: 'demo',
  verifiability: 'TeeML',
  additionalInfo: '',
  teeSignerAddress: SIGNER,
  teeSignerAcknowledged: true,
}

const BINDING: QuoteBinding = {
  v: 1,
  chainId: PROFILE.chainId,
  contract: PROFILE.inference,
  provider: PROVIDER,
  signer: SIGNER,
  encryptionKey: ENCRYPTION_KEY,
  tlsSpki: null,
  models: MODELS,
  capabilities: capabilitiesDigest(CAPABILITIES),
}

function documentOf(authority: Authority, machine: Machine, changes: SceneChanges): Document {
  const bound = bindReport(changes)
  const reportData = changes.reportData ?? bound.reportData
  const report = (changes.report ?? ((same) => same))(reportOf(machine, reportData))
  const issued = Buffer.from(issueQuote(authority, report, { padding: 70, ...changes.quote }))
  const quote = (changes.rawQuote ?? ((same) => same))(issued)
  const { eventLog, tcbInfo, vmConfig } = describeMachine(machine)
  const document: Document = {
    [changes.layout === 'model' ? 'intel_quote' : 'quote']: Buffer.from(quote).toString('hex'),
    event_log: eventLog,
    report_data: Buffer.from(report.reportData).toString('base64'),
    tcb_info: tcbInfo,
    vm_config: vmConfig,
    ...bound.fields,
    ...gpuOf(changes, reportData),
    ...collateralOf(authority, changes),
  }
  return (changes.document ?? ((same) => same))(document)
}

function collateralOf(authority: Authority, changes: SceneChanges): Document {
  if (changes.collateral === null) return {}
  const collateral = issueCollateral(authority, { issuedAt: NOW - DAY, ...changes.collateral })
  return { collateral: (changes.rawCollateral ?? ((same) => same))(collateral) }
}

function gpuOf({ gpu, layout, quotedNonce }: SceneChanges, reportData: Uint8Array): Document {
  if (gpu === undefined) return {}
  const nonce = layout === 'model' ? (quotedNonce ?? NONCE) : keccakHex(reportData)
  return { nvidia_payload: gpu === true ? gpuPayload(nonce) : gpu }
}

function bindReport(changes: SceneChanges): { reportData: Uint8Array; fields: Document } {
  const signer = changes.quotedBinding?.signer ?? SIGNER
  switch (changes.layout ?? 'bound') {
    case 'ascii':
      return { reportData: asciiReportData(signer), fields: {} }
    case 'sealed':
      return {
        reportData: hexToBytes(`${ENCRYPTION_KEY}${signer.slice(2)}00000001${'00'.repeat(8)}`),
        fields: {},
      }
    case 'model': {
      const nonce = changes.quotedNonce ?? NONCE
      const reportData = hexToBytes(`${signer.slice(2)}${'00'.repeat(12)}${nonce}`)
      return { reportData, fields: { signing_address: signer, signing_algo: 'ecdsa', request_nonce: nonce } }
    }
    case 'bound':
      return boundBy(changes)
  }
}

function boundBy(changes: SceneChanges): { reportData: Uint8Array; fields: Document } {
  const shown = bindingText({ ...BINDING, ...changes.binding })
  const quoted = bindingText({ ...BINDING, ...changes.binding, ...changes.quotedBinding })
  const nonce = changes.quotedNonce ?? NONCE
  const { root, paths } = nonceTree([nonce, ...(changes.sharedWith ?? [])].map(hexToBytes))
  const { index, siblings } = paths[0]!
  return {
    reportData: boundReportData(quoted, root),
    fields: { binding: shown, nonce: { value: nonce, index, siblings } },
  }
}
