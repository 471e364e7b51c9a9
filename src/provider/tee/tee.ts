import type { Address } from '../../base/hex.ts'
import type { PrivateKey } from '../../protocol/signature.ts'

/** Keys that live in the enclave, and evidence for them. */
export interface Tee {
  readonly kind: 'simulated' | 'dstack' | 'none'
  /** Signs proofs, receipts and settlements. Derived at path `/`. */
  readonly signerKey: PrivateKey
  readonly signer: Address
  /** The attestation document that `GET /v1/quote` serves, as the exact bytes that are hashed into receipts. */
  quote(): Promise<QuoteDocument>
}

export interface QuoteDocument {
  /** JSON text in the deployed layout: quote, event_log, report_data, tcb_info, vm_config. */
  readonly body: string
  /** sha256 of `body`, 64 hex digits: `evidence` in receipts. */
  readonly digest: string
}
