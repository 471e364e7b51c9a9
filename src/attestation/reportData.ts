import { keccak256 } from 'ethers/crypto'
import { getBytes, hexlify, toUtf8Bytes } from 'ethers/utils'
import { type Address, bytesToHex, sameAddress } from '../base/hex.ts'
import { isZero } from './bytes.ts'

/**
 * What the 64 bytes of report data say, by the layouts that are in use.
 * - `ascii`: signer as 42 ASCII characters, zeros. Brokers of the live network. No nonce.
 * - `sealed`: encryption key (32), signer (20), version 1 (4, big endian), zeros. Their end-to-end encryption. No nonce.
 * - `model`: signer (20), zeros (12), nonce (32). Their model servers.
 * - `bound`: sha256 of a binding, nonce (32). Ours; recognised by the binding beside the quote.
 * @see provider-broker.md section 1.12, client-wire.md section 1.7
 */
export type ReportLayout =
  | { readonly kind: 'ascii'; readonly signer: Address }
  | { readonly kind: 'sealed'; readonly signer: Address; readonly encryptionKey: string }
  | { readonly kind: 'model'; readonly signer: Address; readonly nonce: string }

/** The layout of report data without a binding, or null for one that is not known. */
export function reportLayout(reportData: Uint8Array): ReportLayout | null {
  const text = String.fromCharCode(...reportData.subarray(0, 42))
  if (/^0x[0-9a-fA-F]{40}$/.test(text) && isZero(reportData.subarray(42)))
    return { kind: 'ascii', signer: text as Address }
  const hex = bytesToHex(reportData)
  if (hex.slice(104) === `00000001${'0'.repeat(16)}` && !isZero(reportData.subarray(0, 52))) {
    return { kind: 'sealed', encryptionKey: hex.slice(0, 64), signer: `0x${hex.slice(64, 104)}` }
  }
  if (isZero(reportData.subarray(20, 32)) && !isZero(reportData.subarray(0, 20))) {
    return { kind: 'model', signer: `0x${hex.slice(0, 40)}`, nonce: hex.slice(64) }
  }
  return null
}

/** Report data in the layout that every client of the live network reads. */
export function asciiReportData(signer: Address): Uint8Array {
  const data = new Uint8Array(64)
  data.set(toUtf8Bytes(signer))
  return data
}

/**
 * Whether a GPU's nonce was derived from this report: its nonce in the model server's layout, keccak256 of the
 * report data in the others, and in old brokers keccak256 of the signer's public key, whose end is the address.
 */
export function isGpuNonceOf(nonce: string, reportData: Uint8Array, layout: ReportLayout | null): boolean {
  if (layout?.kind === 'model') return nonce === layout.nonce
  if (nonce === keccakHex(reportData)) return true
  if (layout?.kind !== 'ascii') return false
  return (
    nonce === keccakHex(reportData.subarray(0, 42)) || sameAddress(nonce.slice(24), layout.signer.slice(2))
  )
}

/** keccak256 of 64 bytes of report data as hex digits: the nonce that a broker gives its GPUs. */
export const keccakHex = (bytes: Uint8Array): string => bytesToHex(getBytes(keccak256(hexlify(bytes))))
