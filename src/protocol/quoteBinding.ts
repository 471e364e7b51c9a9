import { sha256 } from 'ethers/crypto'
import { concat, getBytes } from 'ethers/utils'
import { type Address, bytesToHex, hexToBytes, isAddress } from '../base/hex.ts'
import { canonicalJson, sha256Text } from './canonical.ts'

/**
 * What a broker's quote vouches for, beyond its own measurements. RFC 8785 JSON; hashes and keys are lower-case
 * hex digits without prefix.
 */
export interface QuoteBinding {
  readonly v: 1
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly provider: Address
  /** Signs proofs, receipts and settlements. */
  readonly signer: Address
  /** X25519 public key for requests sealed to the enclave; null where it takes none. */
  readonly encryptionKey: string | null
  /** sha256 of the TLS key's SubjectPublicKeyInfo; null where TLS does not end in the enclave. */
  readonly tlsSpki: string | null
  /** In the order of `GET /v1/models`; a digest is sha256 of the weights, null where the broker did not load them. */
  readonly models: readonly { readonly id: string; readonly digest: string | null }[]
  /** sha256 of the RFC 8785 form of `GET /v1/capabilities`. */
  readonly capabilities: string
}

/** Where a nonce stands among those that share a quote: the hashes beside its way to the root, lowest first. */
export interface NoncePath {
  readonly index: number
  /** Empty for a nonce that has the quote for itself. */
  readonly siblings: readonly string[]
}

export const NONCE_BYTES = 32
/** Longest path; more nonces than 2^this never share a quote. */
export const MAX_NONCE_PATH = 16

/** The text of a binding; its sha256 is in the quote and in the `evidence` of receipts. */
export const bindingText = (binding: QuoteBinding): string => canonicalJson(binding)

/** sha256 of a binding's text, 64 hex digits. */
export const bindingDigest = (text: string): string => sha256Text(text).slice(2)

/** sha256 of the RFC 8785 form of a capabilities document, 64 hex digits. */
export const capabilitiesDigest = (document: unknown): string => sha256Text(canonicalJson(document)).slice(2)

/**
 * The 64 bytes of report data: sha256 of the binding's text, then the nonce, or the root of those that share it.
 * @param nonceOrRoot 32 bytes
 */
export function boundReportData(text: string, nonceOrRoot: Uint8Array): Uint8Array {
  if (nonceOrRoot.length !== NONCE_BYTES) throw new RangeError('a nonce has 32 bytes')
  return getBytes(concat([sha256Text(text), nonceOrRoot]))
}

/**
 * Reads a binding's text: version 1, these fields and no others, in canonical form, so that two readers cannot
 * understand it differently. Anything else is null.
 */
export function parseBinding(text: string): QuoteBinding | null {
  try {
    const value: unknown = JSON.parse(text)
    return isBinding(value) && canonicalJson(value) === text ? value : null
  } catch {
    return null
  }
}

/** Root over nonces and the path of each. One nonce is its own root; several are leaves of a Merkle tree. */
export function nonceTree(nonces: readonly Uint8Array[]): { root: Uint8Array; paths: NoncePath[] } {
  if (nonces.length === 0 || nonces.length > 2 ** MAX_NONCE_PATH)
    throw new RangeError('no such number of nonces')
  if (nonces.length === 1) return { root: nonces[0]!, paths: [{ index: 0, siblings: [] }] }
  const siblings: string[][] = nonces.map(() => [])
  let level = nonces.map(leaf)
  for (let depth = 0; level.length > 1; depth++) {
    for (const [index, path] of siblings.entries()) path.push(bytesToHex(siblingOf(level, index >> depth)))
    level = parentsOf(level)
  }
  return { root: level[0]!, paths: siblings.map((path, index) => ({ index, siblings: path })) }
}

/**
 * The root that a nonce leads to by its path.
 * @throws RangeError for a path that no tree has
 */
export function rootOfNonce(nonce: Uint8Array, { index, siblings }: NoncePath): Uint8Array {
  if (siblings.length > MAX_NONCE_PATH || index >= 2 ** siblings.length || index < 0) {
    throw new RangeError('not a path')
  }
  if (siblings.length === 0) return nonce
  let hash = leaf(nonce)
  for (const [depth, sibling] of siblings.entries()) {
    const other = hexToBytes(sibling)
    hash = (index >> depth) & 1 ? node(other, hash) : node(hash, other)
  }
  return hash
}

/** Leaves and nodes are hashed apart (RFC 6962), so that a node cannot pass for a nonce. */
const leaf = (nonce: Uint8Array): Uint8Array => getBytes(sha256(concat(['0x00', nonce])))
const node = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  getBytes(sha256(concat(['0x01', left, right])))

/** A node without a neighbour stands beside itself. */
const siblingOf = (level: readonly Uint8Array[], index: number): Uint8Array =>
  level[index ^ 1] ?? level[index]!

function parentsOf(level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = []
  for (let i = 0; i < level.length; i += 2) parents.push(node(level[i]!, level[i + 1] ?? level[i]!))
  return parents
}

const FIELDS = [
  'v',
  'chainId',
  'contract',
  'provider',
  'signer',
  'encryptionKey',
  'tlsSpki',
  'models',
  'capabilities',
]

function isBinding(value: unknown): value is QuoteBinding {
  if (!isObject(value) || Object.keys(value).length !== FIELDS.length) return false
  if (!FIELDS.every((field) => Object.hasOwn(value, field))) return false
  const binding = value as unknown as QuoteBinding
  return (
    binding.v === 1 &&
    Number.isSafeInteger(binding.chainId) &&
    isAddress(binding.contract) &&
    isAddress(binding.provider) &&
    isAddress(binding.signer) &&
    isHashOrNull(binding.encryptionKey) &&
    isHashOrNull(binding.tlsSpki) &&
    Array.isArray(binding.models) &&
    binding.models.every(isModel) &&
    isHash(binding.capabilities)
  )
}

const isModel = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length === 2 &&
  typeof value.id === 'string' &&
  isHashOrNull(value.digest)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isHashOrNull = (value: unknown): value is string | null => value === null || isHash(value)
