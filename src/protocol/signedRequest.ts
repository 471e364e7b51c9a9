import type { Address, Hex } from '../base/hex.ts'
import { keccakText } from '../base/keccak.ts'
import { sha256Text } from './canonical.ts'
import { INFERENCE_DOMAIN, typedDigest, uintWord } from './eip712.ts'
import { HEADER } from './headers.ts'
import { type PrivateKey, recoverDigest, signDigest } from './signature.ts'

/** A request as the session key of a token signs it. */
export interface RequestStatement {
  /** `tokenHash` of the token's message. */
  readonly token: Hex
  /** 16 random bytes, 32 hex digits: used once. */
  readonly nonce: string
  /** Unix seconds. */
  readonly time: number
  readonly head: RequestHead
  /** sha256 of the body as sent, 64 hex digits; of nothing where there is none. */
  readonly bodyHash: string
}

/** What is bound of a request beside its body. */
export interface RequestHead {
  readonly method: string
  /** Below the service's URL, without query. */
  readonly path: string
  /** By lower-case name; only those that decide about money are read. */
  readonly headers: Readonly<Record<string, unknown>>
}

/** What the header `zg-request-signature` carries. */
export interface RequestSignature {
  readonly nonce: string
  readonly time: number
  readonly bodyHash: string
  readonly signature: Hex
}

export const REQUEST_TYPE = 'Request(bytes32 token,bytes16 nonce,uint64 time,bytes32 head,bytes32 body)'

/** A broker's clock and a caller's may differ by this much, seconds; for as long a nonce is remembered. */
export const REQUEST_WINDOW_SECONDS = 120

/** sha256 of nothing: the body of a GET. */
export const EMPTY_BODY_HASH = sha256Text('').slice(2)

const REQUEST_TYPE_HASH = keccakText(REQUEST_TYPE)

/** Headers that decide about money: whoever is on the way could change them. */
const BOUND_HEADERS = [HEADER.capOutput, HEADER.idempotencyKey, HEADER.maxPrice]

/** EIP-712 digest in the serving contract's domain. */
export function requestDigest(chainId: number, contract: Address, statement: RequestStatement): Hex {
  const { token, nonce, time, head, bodyHash } = statement
  return typedDigest({ name: INFERENCE_DOMAIN, chainId, verifyingContract: contract }, REQUEST_TYPE_HASH, [
    token,
    `0x${nonce}${'0'.repeat(32)}`,
    uintWord(time),
    headHash(head),
    `0x${bodyHash}`,
  ])
}

/** Value of the header `zg-request-signature`. */
export function signRequest(
  key: PrivateKey,
  chainId: number,
  contract: Address,
  statement: RequestStatement,
): string {
  const { nonce, time, bodyHash } = statement
  return `v1,${nonce},${time},${bodyHash},${signDigest(key, requestDigest(chainId, contract, statement))}`
}

/** Reads the header; null when malformed. */
export function parseRequestSignature(value: string): RequestSignature | null {
  const match = /^v1,([0-9a-f]{32}),([1-9]\d{0,11}),([0-9a-f]{64}),(0x[0-9a-f]{130})$/.exec(value)
  if (!match) return null
  const [, nonce, time, bodyHash, signature] = match
  return { nonce: nonce!, time: Number(time), bodyHash: bodyHash!, signature: signature as Hex }
}

/** Address whose key signed the request, or null for what is no signature. */
export const recoverRequest = (
  chainId: number,
  contract: Address,
  statement: RequestStatement,
  signature: Hex,
): Address | null => recoverDigest(requestDigest(chainId, contract, statement), signature)

const headHash = ({ method, path, headers }: RequestHead): Hex =>
  sha256Text(
    [`${method} ${path}`, ...BOUND_HEADERS.map((name) => `${name}: ${headers[name] ?? ''}`)].join('\n'),
  )
