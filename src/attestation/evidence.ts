import { sha256Text } from '../protocol/canonical.ts'
import { MAX_NONCE_PATH, type NoncePath, parseBinding, type QuoteBinding } from '../protocol/quoteBinding.ts'
import { strictBase64, strictHex } from './bytes.ts'
import { type Collateral, readCollateral } from './collateral.ts'
import { type MeasuredEvent, readBinaryEventLog, readEventLog } from './eventLog.ts'
import { type GpuEvidence, readGpuEvidence } from './gpuEvidence.ts'
import { malformedEvidence } from './malformed.ts'
import { parseTdxQuote, type TdxQuote } from './tdxQuote.ts'

/** Which of the documents in use this is. @see client-wire.md section 1.7 */
export type EvidenceForm = 'dstack' | 'model' | 'cryptopilot' | 'legacy'

/** An attestation document, read and not believed. What is not covered by the quote says so by `stated`. */
export interface Evidence {
  readonly form: EvidenceForm
  /** sha256 of the document, 64 hex digits. */
  readonly digest: string
  readonly quote: TdxQuote
  readonly events: readonly MeasuredEvent[] | null
  readonly appCompose: string | null
  readonly statedReportData: Uint8Array | null
  /** Registers and hashes as the document repeats them, hex digits by name. */
  readonly stated: Readonly<Record<string, string>>
  readonly statedSigner: string | null
  readonly statedNonce: string | null
  readonly gpu: GpuEvidence | null
  readonly binding: { readonly text: string; readonly value: QuoteBinding } | null
  readonly nonce: { readonly value: string; readonly path: NoncePath } | null
  readonly collateral: Collateral | null
}

/** Longest document that is read, characters. */
export const MAX_EVIDENCE = 4 * 1024 * 1024

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads the body of `GET /v1/quote` or `GET /v1/proxy/attestation/report`.
 * @throws AppError `evidence_malformed` (exit 30) for everything that is none of the known documents
 */
export function readEvidence(text: string): Evidence {
  if (text.length > MAX_EVIDENCE) throw malformedEvidence(`more than ${MAX_EVIDENCE} characters`)
  const fields = objectOf(parseJson(text, 'it'), 'it')
  const digest = sha256Text(text).slice(2)
  if (typeof fields.evidence === 'string') return { ...readCryptopilot(fields), digest }
  return { ...readDstack(fields), digest }
}

function readDstack(fields: Fields): Omit<Evidence, 'digest'> {
  const isModel = fields.intel_quote !== undefined || fields.signing_address !== undefined
  const info = fields.info === undefined ? {} : objectOf(fields.info, 'info')
  const tcbInfo = embedded(fields.tcb_info ?? info.tcb_info, 'tcb_info')
  const log = fields.event_log ?? tcbInfo?.event_log
  const quote = strictHex(fields.intel_quote ?? fields.quote, 'the quote')
  if (isModel && fields.quote !== undefined && fields.quote !== fields.intel_quote) {
    throw malformedEvidence('it has two quotes')
  }
  return {
    form: isModel ? 'model' : log === undefined ? 'legacy' : 'dstack',
    quote: parseTdxQuote(quote),
    events:
      log === undefined
        ? null
        : readEventLog(typeof log === 'string' ? parseJson(log, 'the event log') : log),
    appCompose: textOrNull(tcbInfo?.app_compose, 'app_compose'),
    statedReportData: readReportData(fields.report_data),
    stated: statedOf(tcbInfo, embedded(fields.vm_config ?? info.vm_config, 'vm_config')),
    statedSigner: textOrNull(fields.signing_address ?? fields.provider_signer, 'the signer'),
    statedNonce: textOrNull(fields.request_nonce, 'request_nonce'),
    gpu: readGpuEvidence(fields.nvidia_payload),
    binding: readBinding(fields.binding),
    nonce: readNonce(fields.nonce),
    collateral: fields.collateral === undefined ? null : readCollateral(fields.collateral),
  }
}

/** The report of Alibaba's platform: a quote of version 5 and a binary event log. */
function readCryptopilot(fields: Fields): Omit<Evidence, 'digest'> {
  const text = new TextDecoder().decode(strictBase64(fields.evidence, 'the evidence'))
  const inner = objectOf(parseJson(text, 'the evidence'), 'the evidence')
  const log = inner.cc_eventlog
  return {
    form: 'cryptopilot',
    quote: parseTdxQuote(strictBase64(inner.quote, 'the quote')),
    events: log === undefined || log === null ? null : readBinaryEventLog(strictBase64(log, 'the event log')),
    appCompose: textOrNull(fields.compose_content, 'compose_content'),
    statedReportData: null,
    stated: {},
    statedSigner: null,
    statedNonce: null,
    gpu: readGpuEvidence(inner.gpu_evidence),
    binding: null,
    nonce: null,
    collateral: null,
  }
}

function readReportData(value: unknown): Uint8Array | null {
  if (value === undefined) return null
  // dstack's own agent writes hex where the network's brokers write base64.
  const isHex = typeof value === 'string' && /^[0-9a-f]{128}$/.test(value)
  const bytes = isHex ? strictHex(value, 'report_data') : strictBase64(value, 'report_data')
  if (bytes.length !== 64) throw malformedEvidence('report_data has not 64 bytes')
  return bytes
}

const REGISTERS = ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3', 'os_image_hash', 'compose_hash']

/** What the document repeats of the quote and the log; `vm_os_image_hash` is the machine's word for the image. */
function statedOf(tcbInfo: Fields | null, vmConfig: Fields | null): Record<string, string> {
  const stated: Record<string, string> = {}
  for (const name of REGISTERS) {
    const value = tcbInfo?.[name]
    if (typeof value === 'string') stated[name] = value
  }
  if (typeof vmConfig?.os_image_hash === 'string') stated.vm_os_image_hash = vmConfig.os_image_hash
  return stated
}

function readBinding(value: unknown): Evidence['binding'] {
  if (value === undefined) return null
  const parsed = typeof value === 'string' ? parseBinding(value) : null
  if (!parsed) throw malformedEvidence('the binding is not of version 1, or not canonical')
  return { text: value as string, value: parsed }
}

function readNonce(value: unknown): Evidence['nonce'] {
  if (value === undefined) return null
  const { value: nonce, index, siblings } = objectOf(value, 'the nonce')
  strictHex(nonce, 'the nonce', 32)
  if (!Array.isArray(siblings) || siblings.length > MAX_NONCE_PATH)
    throw malformedEvidence("the nonce's path is none")
  for (const sibling of siblings) strictHex(sibling, "the nonce's path", 32)
  if (!Number.isSafeInteger(index) || (index as number) < 0 || (index as number) >= 2 ** siblings.length) {
    throw malformedEvidence("the nonce's place is outside of its tree")
  }
  return { value: nonce as string, path: { index: index as number, siblings: siblings as string[] } }
}

/** An object that may come as text. */
function embedded(value: unknown, what: string): Fields | null {
  if (value === undefined || value === null || value === '') return null
  return objectOf(typeof value === 'string' ? parseJson(value, what) : value, what)
}

function objectOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformedEvidence(`${what} is no object`)
  return value as Fields
}

function textOrNull(value: unknown, what: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw malformedEvidence(`${what} is no text`)
  return value
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformedEvidence(`${what} is no JSON`, error)
  }
}
