import { bytesToHex } from '../base/hex.ts'
import { strictBase64 } from './bytes.ts'
import { malformedEvidence } from './malformed.ts'

/** What a GPU signed, as NVIDIA's verifier takes it. */
export interface GpuEvidence {
  /** 64 hex digits. */
  readonly nonce: string
  readonly arch: string
  readonly devices: readonly GpuReport[]
  /** The payload as it came, for NVIDIA's verifier. */
  readonly payload: string
}

export interface GpuReport {
  /** Nonce in the request that the GPU signed, 64 hex digits. */
  readonly nonce: string
  readonly certificate: string
}

const MAX_DEVICES = 16
const MAX_PAYLOAD = 2 * 1024 * 1024
/** SPDM GET_MEASUREMENTS: version 1.1, request code 0xe0; its 32-byte nonce is the fifth byte on. */
const SPDM_REQUEST = '11e0'

/** Reads `nvidia_payload`, text or object; null where there is none. @throws AppError `evidence_malformed` */
export function readGpuEvidence(value: unknown): GpuEvidence | null {
  if (value === undefined || value === null || value === '') return null
  const payload = typeof value === 'string' ? value : JSON.stringify(value)
  if (payload.length > MAX_PAYLOAD) throw malformedEvidence('the GPU evidence is too long')
  const { nonce, arch, evidence_list: list } = parseObject(payload)
  if (typeof nonce !== 'string' || !/^[0-9a-f]{64}$/.test(nonce))
    throw malformedEvidence('the GPU evidence has no nonce')
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_DEVICES) {
    throw malformedEvidence('the GPU evidence names no device')
  }
  return { nonce, arch: typeof arch === 'string' ? arch : '', devices: list.map(readDevice), payload }
}

function readDevice(value: unknown): GpuReport {
  const { certificate, evidence } = (value ?? {}) as Record<string, unknown>
  const report = strictBase64(evidence, 'the evidence of a GPU')
  if (report.length < 37 || bytesToHex(report.subarray(0, 2)) !== SPDM_REQUEST) {
    throw malformedEvidence('the evidence of a GPU is no SPDM measurement')
  }
  strictBase64(certificate, 'the certificate of a GPU')
  return { nonce: bytesToHex(report.subarray(4, 36)), certificate: certificate as string }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    throw malformedEvidence('the GPU evidence is no JSON', error)
  }
  throw malformedEvidence('the GPU evidence is no object')
}
