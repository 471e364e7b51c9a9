import type { Address } from '../../base/hex.ts'
import type { PrivateKey } from '../../protocol/signature.ts'

/** Keys that live in the enclave, and evidence for them. */
export interface Tee {
  readonly kind: 'simulated' | 'dstack' | 'none'
  /** Signs proofs, receipts and settlements. Derived at path `/`. */
  readonly signerKey: PrivateKey
  readonly signer: Address
  /** Opens what is sealed to the enclave. Derived at path `/e2ee-enc`; null where there is none. */
  readonly encryption: EncryptionKey | null
  /**
   * Evidence bound to some bytes.
   * @param reportData 64 bytes
   */
  quote(reportData: Uint8Array): Promise<TeeEvidence>
}

/** X25519, 32 bytes each. */
export interface EncryptionKey {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

/** A quote and what it takes to understand it: the parts of the deployed attestation document. */
export interface TeeEvidence {
  readonly quote: Uint8Array
  /** JSON text, an array of events. */
  readonly eventLog: string
  /** JSON text. */
  readonly tcbInfo: string
  /** JSON text. */
  readonly vmConfig: string
  /** Signed statements about the platform, where the enclave has them at hand. */
  readonly collateral: Readonly<Record<string, string>> | null
}
