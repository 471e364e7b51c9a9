import { createHash } from 'node:crypto'
import { type Authority, newKey } from './authority.ts'
import { pem, publicPoint, signRaw } from './x509.ts'

/** What the quoting enclave of the simulated platform is. */
export const QUOTING_ENCLAVE = {
  mrSigner: createHash('sha256').update('0g-compute simulated quoting enclave').digest(),
  attributes: Buffer.from('11000000000000000000000000000000', 'hex'),
  productId: 2,
  svn: 4,
} as const

/** Fields of a TD report; each 48 bytes but where noted. What is left out is zero. */
export interface TdReportFields {
  /** 16 bytes. Default svn 3 throughout. */
  readonly teeTcbSvn?: Uint8Array
  readonly mrSignerSeam?: Uint8Array
  /** 8 bytes. */
  readonly seamAttributes?: Uint8Array
  /** 8 bytes. Default SEPT_VE_DISABLE alone. */
  readonly tdAttributes?: Uint8Array
  readonly mrtd: Uint8Array
  /** 0x01, compose hash (32), zeros. */
  readonly mrConfigId: Uint8Array
  readonly rtmrs: readonly Uint8Array[]
  /** 64 bytes. */
  readonly reportData: Uint8Array
  /** Only in version 5 with a TDX 1.5 body. */
  readonly mrServiceTd?: Uint8Array
}

export interface QuoteOptions {
  /** Default 4. Version 5 has a TDX 1.5 body. */
  readonly version?: 4 | 5
  /** Of the quoting enclave, where it should differ. */
  readonly qe?: Partial<{ mrSigner: Uint8Array; attributes: Uint8Array; productId: number; svn: number }>
  /** Certificates in the quote, where they should differ; leaf first. */
  readonly chain?: readonly Uint8Array[]
  /** Zeros that follow, as dstack's quotes have them. */
  readonly padding?: number
}

/** Field offsets in a TD report. @see Intel TDX DCAP Quoting Library API, appendix 3 */
const OFFSET = {
  mrSignerSeam: 64,
  seamAttributes: 112,
  tdAttributes: 120,
  xfam: 128,
  mrtd: 136,
  mrConfigId: 184,
  rtmrs: 328,
  reportData: 520,
  mrServiceTd: 600,
} as const
const REPORT_10_BYTES = 584
const REPORT_15_BYTES = 648
const INTEL_QE_VENDOR = Buffer.from('939a7233f79c4ca9940a0db3957f0607', 'hex')
const SEPT_VE_DISABLE = Buffer.from('0000001000000000', 'hex')
const PCK_CHAIN = 5
const QE_REPORT_CERTIFICATION = 6

/** A TDX quote as a platform of this authority signs it: attestation key, quoting enclave, platform, chain. */
export function issueQuote(
  authority: Authority,
  report: TdReportFields,
  options: QuoteOptions = {},
): Uint8Array {
  const version = options.version ?? 4
  const attestationKey = newKey()
  const signed = Buffer.concat([header(version), body(version, report)])
  const qeAuth = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
  const point = publicPoint(attestationKey)
  const qeReport = quotingEnclaveReport(
    createHash('sha256').update(point).update(qeAuth).digest(),
    options.qe,
  )
  const { root, platformCa, platform } = authority
  const chain = options.chain ?? [platform.certificate, platformCa.certificate, root.certificate]
  const certification = Buffer.concat([
    qeReport,
    signRaw(qeReport, platform.key),
    u16(qeAuth.length),
    qeAuth,
    certificationData(PCK_CHAIN, Buffer.concat([Buffer.from(pem(...chain)), Buffer.alloc(1)])),
  ])
  const section = Buffer.concat([
    signRaw(signed, attestationKey),
    point,
    certificationData(QE_REPORT_CERTIFICATION, certification),
  ])
  return Buffer.concat([signed, u32(section.length), section, Buffer.alloc(options.padding ?? 0)])
}

function header(version: number): Buffer {
  const bytes = Buffer.alloc(48)
  bytes.writeUInt16LE(version, 0)
  bytes.writeUInt16LE(2, 2)
  bytes.writeUInt32LE(0x81, 4)
  bytes.set(INTEL_QE_VENDOR, 12)
  return bytes
}

function body(version: 4 | 5, report: TdReportFields): Buffer {
  if (version === 4) return tdReport(report, REPORT_10_BYTES)
  return Buffer.concat([u16(3), u32(REPORT_15_BYTES), tdReport(report, REPORT_15_BYTES)])
}

function tdReport(report: TdReportFields, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  bytes.set(report.teeTcbSvn ?? Buffer.alloc(16, 3), 0)
  bytes.set(report.mrSignerSeam ?? Buffer.alloc(48), OFFSET.mrSignerSeam)
  bytes.set(report.seamAttributes ?? Buffer.alloc(8), OFFSET.seamAttributes)
  bytes.set(report.tdAttributes ?? SEPT_VE_DISABLE, OFFSET.tdAttributes)
  bytes.set(Buffer.from('e702060000000000', 'hex'), OFFSET.xfam)
  bytes.set(report.mrtd, OFFSET.mrtd)
  bytes.set(report.mrConfigId, OFFSET.mrConfigId)
  for (const [index, rtmr] of report.rtmrs.entries()) bytes.set(rtmr, OFFSET.rtmrs + 48 * index)
  bytes.set(report.reportData, OFFSET.reportData)
  if (length === REPORT_15_BYTES && report.mrServiceTd) bytes.set(report.mrServiceTd, OFFSET.mrServiceTd)
  return bytes
}

function quotingEnclaveReport(keyHash: Uint8Array, changes: QuoteOptions['qe'] = {}): Buffer {
  const enclave = { ...QUOTING_ENCLAVE, ...changes }
  const bytes = Buffer.alloc(384)
  bytes.set(Buffer.alloc(16, 3), 0)
  bytes.set(enclave.attributes, 48)
  bytes.set(enclave.mrSigner, 128)
  bytes.writeUInt16LE(enclave.productId, 256)
  bytes.writeUInt16LE(enclave.svn, 258)
  bytes.set(keyHash, 320)
  return bytes
}

const certificationData = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([u16(type), u32(content.length), content])

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
