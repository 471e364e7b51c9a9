import { bytesToHex } from '../base/hex.ts'
import { malformedEvidence } from './malformed.ts'

/**
 * What Intel publishes about a platform (or a devnet about its own), as PCCS clients exchange it. Every part is
 * signed and dated, so it may come from anywhere.
 */
export interface Collateral {
  readonly pck_crl_issuer_chain: string
  readonly root_ca_crl: string
  readonly pck_crl: string
  readonly tcb_info_issuer_chain: string
  readonly tcb_info: string
  readonly tcb_info_signature: string
  readonly qe_identity_issuer_chain: string
  readonly qe_identity: string
  readonly qe_identity_signature: string
}

const FIELDS = [
  'pck_crl_issuer_chain',
  'root_ca_crl',
  'pck_crl',
  'tcb_info_issuer_chain',
  'tcb_info',
  'tcb_info_signature',
  'qe_identity_issuer_chain',
  'qe_identity',
  'qe_identity_signature',
] as const
const HEX_FIELDS = new Set<string>(['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature'])
const MAX_FIELD = 512 * 1024

/** Reads collateral as PCCS clients write it: binary fields as hex digits or as lists of bytes. @throws AppError `evidence_malformed` */
export function readCollateral(value: unknown): Collateral {
  if (typeof value !== 'object' || value === null) throw malformedEvidence('the collateral is no object')
  const fields = value as Record<string, unknown>
  const read = FIELDS.map((name) => [name, readField(name, fields[name])] as const)
  return Object.fromEntries(read) as unknown as Collateral
}

function readField(name: string, value: unknown): string {
  const isBinary = HEX_FIELDS.has(name)
  const text = isBinary && isBytes(value) ? bytesToHex(Uint8Array.from(value)) : value
  if (typeof text !== 'string' || text.length > MAX_FIELD)
    throw malformedEvidence(`the collateral lacks ${name}`)
  if (isBinary && !/^(?:[0-9a-f]{2})+$/.test(text)) throw malformedEvidence(`${name} is no hex`)
  return text
}

const isBytes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) &&
  value.length <= MAX_FIELD &&
  value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
