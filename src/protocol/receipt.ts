import { type Address, type Hex, isAddress } from '../base/hex.ts'
import { keccakText } from '../base/keccak.ts'
import { canonicalJson, sha256Text } from './canonical.ts'
import type { SealedHashes } from './e2ee/envelope.ts'
import { addressWord, type Domain, INFERENCE_DOMAIN, typedDigest, uintWord } from './eip712.ts'
import type { Counts, Multipliers, UnitClass } from './pricing.ts'
import { type PrivateKey, recoverDigest, signDigest } from './signature.ts'

/** What the contract reads of a receipt. Amounts in neuron, `issuedAt` in unix seconds. */
export interface Receipt {
  readonly provider: Address
  readonly user: Address
  /** The provider's sequence number, uint48; taken in the transaction that moves the counter. */
  readonly seq: number
  /** Everything that this user was ever charged by this provider, this fee included. */
  readonly cumulative: bigint
  readonly fee: bigint
  readonly issuedAt: number
  /** sha256 of the canonical JSON of the detail. */
  readonly detail: Hex
}

/**
 * What was delivered and how the fee came about. RFC 8785 JSON, hashes are 64 hex digits. Version 2 is that of an
 * exchange that was sealed to the enclave, and has `sealed` beside the fields of version 1; versions 3 and 4
 * have the fields of versions 1 and 2, and price images or seconds of audio.
 */
export interface ReceiptDetail {
  readonly v: 1 | 2 | 3 | 4
  /** 16 random bytes in hex, so that the hash reveals nothing of a guessable exchange. */
  readonly salt: string
  /** The answer's id, as in the header `ZG-Res-Key`: 32 lower-case hex digits. */
  readonly id: string
  readonly endpoint: string
  readonly model: string
  /** sha256 of the weights that the broker hashed itself, or null. */
  readonly modelDigest: string | null
  readonly requestHash: string
  /** Of the `responseBytes` bytes that were handed to the socket. */
  readonly responseHash: string
  readonly responseBytes: number
  readonly status: 'complete' | 'partial'
  readonly counts: Counts
  /** Neuron per unit at admission, decimal strings. */
  readonly prices: Readonly<Partial<Record<UnitClass, string>>>
  readonly multipliers: Multipliers
  /** sha256 of the statement that the quotes for the signing key are bound to. @see quoteBinding.ts */
  readonly evidence: string
  /** What the text proof of the exchange names instead of the hashes of its bytes. */
  readonly sealed?: SealedHashes
}

/** A receipt with everything needed to check it offline. `detail` is the canonical JSON text itself. */
export interface SignedReceipt {
  readonly chainId: number
  readonly contract: Address
  readonly receipt: Receipt
  readonly detail: string
  readonly signature: Hex
}

/** JSON form of a signed receipt: amounts are decimal strings in neuron. */
export interface ReceiptJson {
  readonly chainId: number
  readonly contract: Address
  readonly receipt: Omit<Receipt, 'cumulative' | 'fee'> & {
    readonly cumulative: string
    readonly fee: string
  }
  readonly detail: string
  readonly signature: Hex
}

export const RECEIPT_TYPE =
  'Receipt(address provider,address user,uint48 seq,uint96 cumulative,uint96 fee,uint64 issuedAt,bytes32 detail)'

const RECEIPT_TYPE_HASH = keccakText(RECEIPT_TYPE)

/** EIP-712 digest of a receipt in the serving contract's domain. */
export function receiptDigest(chainId: number, contract: Address, receipt: Receipt): Hex {
  const domain: Domain = { name: INFERENCE_DOMAIN, chainId, verifyingContract: contract }
  return typedDigest(domain, RECEIPT_TYPE_HASH, [
    addressWord(receipt.provider),
    addressWord(receipt.user),
    uintWord(receipt.seq),
    uintWord(receipt.cumulative),
    uintWord(receipt.fee),
    uintWord(receipt.issuedAt),
    receipt.detail,
  ])
}

/** A receipt that waits for its signature, and the digest to sign. */
export interface DraftReceipt {
  readonly unsigned: Omit<SignedReceipt, 'signature'>
  readonly digest: Hex
}

/** Builds a receipt. */
export function draftReceipt(
  chainId: number,
  contract: Address,
  fields: Omit<Receipt, 'detail'>,
  detail: ReceiptDetail,
): DraftReceipt {
  const text = canonicalJson(detail)
  const receipt: Receipt = { ...fields, detail: sha256Text(text) }
  const unsigned = { chainId, contract, receipt, detail: text }
  return { unsigned, digest: receiptDigest(chainId, contract, receipt) }
}

/** Builds and signs a receipt. */
export function signReceipt(
  key: PrivateKey,
  chainId: number,
  contract: Address,
  fields: Omit<Receipt, 'detail'>,
  detail: ReceiptDetail,
): SignedReceipt {
  const { unsigned, digest } = draftReceipt(chainId, contract, fields, detail)
  return { ...unsigned, signature: signDigest(key, digest) }
}

/** Address that signed the receipt, or null for what is no signature. Does not look at the detail. */
export const recoverReceipt = (signed: SignedReceipt): Address | null =>
  recoverDigest(receiptDigest(signed.chainId, signed.contract, signed.receipt), signed.signature)

export function receiptToJson({ receipt, ...rest }: SignedReceipt): ReceiptJson {
  return {
    ...rest,
    receipt: { ...receipt, cumulative: receipt.cumulative.toString(), fee: receipt.fee.toString() },
  }
}

/**
 * Reads the JSON form strictly.
 * @throws TypeError naming the field that is missing or malformed
 */
export function receiptFromJson(value: unknown): SignedReceipt {
  const json = value as ReceiptJson
  const receipt = json?.receipt
  const check = (ok: boolean, field: string): void => {
    if (!ok) throw new TypeError(`receipt: ${field} is missing or malformed`)
  }
  check(typeof receipt === 'object' && receipt !== null, 'receipt')
  check(isUint(json.chainId, 2 ** 53), 'chainId')
  check(isAddress(json.contract), 'contract')
  check(isAddress(receipt.provider), 'provider')
  check(isAddress(receipt.user), 'user')
  check(isUint(receipt.seq, 2 ** 48), 'seq')
  check(isUint96(receipt.cumulative), 'cumulative')
  check(isUint96(receipt.fee), 'fee')
  check(isUint(receipt.issuedAt, 2 ** 53), 'issuedAt')
  check(/^0x[0-9a-f]{64}$/.test(receipt.detail), 'detail hash')
  check(typeof json.detail === 'string', 'detail')
  check(/^0x[0-9a-fA-F]{130}$/.test(json.signature), 'signature')
  return {
    chainId: json.chainId,
    contract: json.contract,
    receipt: {
      provider: receipt.provider,
      user: receipt.user,
      seq: receipt.seq,
      cumulative: BigInt(receipt.cumulative),
      fee: BigInt(receipt.fee),
      issuedAt: receipt.issuedAt,
      detail: receipt.detail,
    },
    detail: json.detail,
    signature: json.signature,
  }
}

const isUint = (value: unknown, below: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < below

const isUint96 = (value: unknown): boolean =>
  typeof value === 'string' && /^(0|[1-9]\d{0,28})$/.test(value) && BigInt(value) < 2n ** 96n
