import { decodeBase64 } from 'ethers'
import { bytesToHex, hexToBytes } from '../base/hex.ts'

/** What is read of the answer of `GET /v1/quote`. @see client-wire.md section 1.7 */
export interface QuoteReport {
  /** The TDX quote. */
  readonly quote: Uint8Array
  /** The 64 bytes that the document says are bound. */
  readonly statedReportData: Uint8Array
  /** The 64 bytes inside the quote; the quote's signature covers these. */
  readonly reportData: Uint8Array
}

/** Offsets in a TDX quote of version 4. */
const REPORT_DATA = { start: 568, end: 632 } as const

/** Reads a quote document in the deployed layout, or null when it is none. */
export function parseQuoteDocument(text: string): QuoteReport | null {
  try {
    const { quote, report_data: stated } = JSON.parse(text) as { quote: unknown; report_data: unknown }
    if (typeof quote !== 'string' || typeof stated !== 'string') return null
    const bytes = hexToBytes(quote)
    const statedReportData = decodeBase64(stated)
    if (bytes.length < REPORT_DATA.end || statedReportData.length !== 64) return null
    return { quote: bytes, statedReportData, reportData: bytes.slice(REPORT_DATA.start, REPORT_DATA.end) }
  } catch {
    return null
  }
}

/** The address that report data names: 42 ASCII characters, then NUL bytes. Null for any other layout. */
export function signerInReportData(reportData: Uint8Array): string | null {
  const text = String.fromCharCode(...reportData.subarray(0, 42))
  const isPadded = reportData.subarray(42).every((byte) => byte === 0)
  return isPadded && /^0x[0-9a-fA-F]{40}$/.test(text) ? text : null
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => bytesToHex(a) === bytesToHex(b)
