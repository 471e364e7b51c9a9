import { sha256 } from 'ethers/crypto'
import { concat, getBytes, hexlify } from 'ethers/utils'
import { canonicalJson } from '../canonical.ts'
import { fromBase64Url } from './base64url.ts'

/** A JSON body with sealed fields: `_e2ee` beside what travels in clear. */
export interface Envelope {
  readonly _e2ee: EnvelopeHead
  readonly [field: string]: unknown
}

/** How the sealed part was made; binary values are base64url without padding. */
export interface EnvelopeHead {
  readonly v?: 1
  /** KEM of the request. */
  readonly kem_id?: string
  /** First 8 bytes of sha256 of the enclave's key. */
  readonly key_id?: string
  readonly signer_addr?: string
  /** The caller's one-time key, to which the answer is sealed. */
  readonly client_eph_pub?: string
  /** HPKE's encapsulated key. */
  readonly enc?: string
  readonly sealed_fields?: readonly string[]
  /** Fields in clear that are not bound, because somebody on the way may change them. */
  readonly unbound_fields?: readonly string[]
  /** Set in the last frame of an answer. */
  readonly final?: boolean
  readonly ciphertext: string
}

const encoder = new TextEncoder()

/**
 * What is authenticated beside the sealed part: the envelope as RFC 8785 JSON, without its ciphertext and without
 * the fields that it names as unbound.
 * @see provider-broker.md section 1.13
 */
export function envelopeAad(envelope: Envelope): Uint8Array {
  const { _e2ee, ...clear } = envelope
  const { ciphertext: _, ...head } = _e2ee
  const unbound = new Set(head.unbound_fields ?? [])
  const bound = Object.entries(clear).filter(([field]) => !unbound.has(field))
  return encoder.encode(canonicalJson({ ...Object.fromEntries(bound), _e2ee: head }))
}

/** sha256(sha256(aad) ‖ sha256(ciphertext)), 64 hex digits. */
export const bindingHash = (aad: Uint8Array, ciphertext: Uint8Array): string =>
  sha256(concat([sha256(aad), sha256(ciphertext)])).slice(2)

/** What stands for a sealed request or answer in signed texts, 64 hex digits. */
export const envelopeHash = (envelope: Envelope): string =>
  bindingHash(envelopeAad(envelope), fromBase64Url(envelope._e2ee.ciphertext))

/** What stands for a sealed stream: sha256 over the hashes of its frames. */
export const streamHash = (frames: readonly Envelope[]): string =>
  sha256(concat(frames.map((frame) => `0x${envelopeHash(frame)}`))).slice(2)

/** What stands for a sealed exchange where hashes of its bytes would not do: both are `envelopeHash` or `streamHash`. */
export interface SealedHashes {
  readonly requestHash: string
  readonly responseHash: string
  readonly stream: boolean
}

/** The text that the enclave signs for a sealed exchange. @see provider-broker.md section 1.13 */
export const sealedProofText = ({ requestHash, responseHash, stream }: SealedHashes): string =>
  `zg-sig-v1/e2ee-ct${stream ? '-stream' : ''}:${requestHash}:${responseHash}`

/** `key_id` of an enclave's key, 8 bytes. */
export const keyIdOf = (publicKey: Uint8Array): Uint8Array => getBytes(sha256(hexlify(publicKey))).slice(0, 8)
