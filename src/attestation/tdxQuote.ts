import { isZero } from './bytes.ts'
import { malformedEvidence } from './malformed.ts'

/** The fields of a TD report that a verifier reads; every one is covered by the quote's signature. */
export interface TdReport {
  readonly teeTcbSvn: Uint8Array
  readonly mrSignerSeam: Uint8Array
  readonly seamAttributes: Uint8Array
  readonly tdAttributes: Uint8Array
  readonly mrtd: Uint8Array
  readonly mrConfigId: Uint8Array
  readonly rtmrs: readonly Uint8Array[]
  readonly reportData: Uint8Array
  /** Only in TDX 1.5 reports of version 5. */
  readonly mrServiceTd: Uint8Array | null
}

export interface TdxQuote {
  readonly bytes: Uint8Array
  readonly version: 4 | 5
  readonly report: TdReport
  readonly qeReport: Uint8Array
  /** How the quoting enclave's key is certified: 5 is a PCK chain in `certification`. */
  readonly certificationType: number
  readonly certification: Uint8Array
}

const HEADER_BYTES = 48
const REPORT_10_BYTES = 584
const REPORT_15_BYTES = 648
const BODY_TD10 = 2
const BODY_TD15 = 3
const TEE_TYPE_TDX = 0x81
const ECDSA_P256 = 2
/** Signature and attestation key, before the certification data. */
const SIGNATURE_BYTES = 128
const QE_REPORT_BYTES = 384
const QE_REPORT_CERTIFICATION = 6
/** What is hashed into the quoting enclave's report has this length; more would not be covered. */
const QE_AUTH_BYTES = 32
const MAX_QUOTE_BYTES = 64 * 1024
/** A quote is handed out in a buffer of fixed size: what follows it is zero. */
const MAX_PADDING = 16 * 1024

/**
 * Reads a TDX quote of version 4 or 5 with every length checked, so that no byte of it goes unread.
 * @throws AppError `evidence_malformed`
 * @see https://download.01.org/intel-sgx/latest/dcap-latest/linux/docs/Intel_TDX_DCAP_Quoting_Library_API.pdf appendix 3
 */
export function parseTdxQuote(bytes: Uint8Array): TdxQuote {
  if (bytes.length > MAX_QUOTE_BYTES + MAX_PADDING) throw malformedEvidence('the quote is too long')
  const reader = new Reader(bytes, 'the quote')
  const version = reader.u16()
  if (version !== 4 && version !== 5) throw malformedEvidence(`quote version ${version} is not known`)
  if (reader.u16() !== ECDSA_P256) throw malformedEvidence('the quote is not signed with ECDSA P-256')
  if (reader.u32() !== TEE_TYPE_TDX) throw malformedEvidence('the quote is no TDX quote')
  reader.take(HEADER_BYTES - 8)
  const report = version === 4 ? readReport(reader.take(REPORT_10_BYTES)) : readBody5(reader)
  const signed = new Reader(reader.take(reader.u32()), "the quote's signature section")
  if (!isZero(reader.rest())) throw malformedEvidence('bytes follow the quote')
  signed.take(SIGNATURE_BYTES)
  if (signed.u16() !== QE_REPORT_CERTIFICATION)
    throw malformedEvidence('the quote certifies no quoting enclave')
  const inner = new Reader(signed.take(signed.u32()), "the quote's certification")
  signed.end()
  const qeReport = inner.take(QE_REPORT_BYTES)
  inner.take(64)
  if (inner.u16() !== QE_AUTH_BYTES)
    throw malformedEvidence("the quoting enclave's authentication data has not 32 bytes")
  inner.take(QE_AUTH_BYTES)
  const certificationType = inner.u16()
  const certification = inner.take(inner.u32())
  inner.end()
  return { bytes, version, report, qeReport, certificationType, certification }
}

function readBody5(reader: Reader): TdReport {
  const type = reader.u16()
  const size = reader.u32()
  if (type === BODY_TD10 && size === REPORT_10_BYTES) return readReport(reader.take(size))
  if (type === BODY_TD15 && size === REPORT_15_BYTES) return readReport(reader.take(size))
  throw malformedEvidence(`body type ${type} of ${size} bytes is no TD report`)
}

function readReport(bytes: Uint8Array): TdReport {
  const reader = new Reader(bytes, 'the TD report')
  const teeTcbSvn = reader.take(16)
  reader.take(48)
  const mrSignerSeam = reader.take(48)
  const seamAttributes = reader.take(8)
  const tdAttributes = reader.take(8)
  reader.take(8)
  const mrtd = reader.take(48)
  const mrConfigId = reader.take(48)
  reader.take(96)
  const rtmrs = [reader.take(48), reader.take(48), reader.take(48), reader.take(48)]
  const reportData = reader.take(64)
  const extra = reader.rest()
  const mrServiceTd = extra.length > 0 ? extra.subarray(16) : null
  return {
    teeTcbSvn,
    mrSignerSeam,
    seamAttributes,
    tdAttributes,
    mrtd,
    mrConfigId,
    rtmrs,
    reportData,
    mrServiceTd,
  }
}

/** Little-endian, and never past the end. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #what: string
  #at = 0

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw malformedEvidence(`${this.#what} is cut short`)
    const slice = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return slice
  }

  u16(): number {
    const [low, high] = this.take(2)
    return low! | (high! << 8)
  }

  u32(): number {
    return this.u16() + this.u16() * 0x10000
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at)
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformedEvidence(`${this.#what} has bytes too many`)
  }
}
