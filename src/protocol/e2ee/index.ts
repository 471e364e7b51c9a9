/** End-to-end encryption to the enclave. @see provider-broker.md sections 1.13 and 1.14 */
export { fromBase64Url, toBase64Url } from './base64url.ts'
export {
  bindingHash,
  type Envelope,
  type EnvelopeHead,
  envelopeAad,
  envelopeHash,
  keyIdOf,
  type SealedHashes,
  sealedProofText,
  streamHash,
} from './envelope.ts'
export type { Json } from './fields.ts'
export {
  type OpenedRequest,
  type OpenKey,
  openRequest,
  type SealedRequest,
  type SealTarget,
  sealRequest,
} from './request.ts'
export { ResponseOpener, ResponseSealer } from './response.ts'
export { KEM_ID } from './suite.ts'
