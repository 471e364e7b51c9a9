import type { Address, Hex } from '../base/hex.ts'
import { type SealedHashes, sealedProofText } from './e2ee/envelope.ts'
import { type PrivateKey, personalTextDigest, recoverDigest, signDigest } from './signature.ts'

/** Answer of `GET /v1/proxy/signature/{id}`, as every client of the network reads it. */
export interface TextProof {
  /** `sha256(request body):sha256(response body)`, lower-case hex without prefix. */
  readonly text: string
  readonly signature: string
  readonly signing_address: string
  readonly signing_algo: 'ecdsa'
}

/**
 * The text that a broker signs for an exchange.
 * @param requestHash sha256 of the request body as sent, 64 hex digits
 * @param responseHash sha256 of the response body as delivered, after content decoding
 * @see client-wire.md section 1.6
 */
export const proofText = (requestHash: string, responseHash: string): string =>
  `${requestHash}:${responseHash}`

/** The text for an exchange as its receipt describes it. */
export const proofTextOf = ({
  requestHash,
  responseHash,
  sealed,
}: {
  readonly requestHash: string
  readonly responseHash: string
  readonly sealed?: SealedHashes
}): string => (sealed ? sealedProofText(sealed) : proofText(requestHash, responseHash))

/** Signs the text: EIP-191. */
export function signTextProof(key: PrivateKey, signer: Address, text: string): TextProof {
  return {
    text,
    signature: signDigest(key, personalTextDigest(text)),
    signing_address: signer.toLowerCase(),
    signing_algo: 'ecdsa',
  }
}

/** Address that signed the text, or null for what is no signature. */
export const recoverTextProof = (proof: Pick<TextProof, 'text' | 'signature'>): Address | null =>
  recoverDigest(personalTextDigest(proof.text), proof.signature as Hex)
