import { type Address, bytesToHex, type Hex, hexToBytes } from '../base/hex.ts'
import { keccak, keccakText } from '../base/keccak.ts'

/** Fields of the EIP-712 domain that every contract of the network uses; version is "1". */
export interface Domain {
  readonly name: string
  readonly chainId: number
  readonly verifyingContract: Address
}

/** Domain name of `InferenceServing`. */
export const INFERENCE_DOMAIN = '0G Inference Serving'
/** Domain name of `FineTuningServing`. */
export const FINE_TUNING_DOMAIN = '0G Fine-Tuning Serving'

const DOMAIN_TYPE = keccakText(
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
)
const VERSION_HASH = keccakText('1')
const separators = new Map<string, Hex>()

/** Domain separator, computed once per domain. @see https://eips.ethereum.org/EIPS/eip-712 */
export function domainSeparator({ name, chainId, verifyingContract }: Domain): Hex {
  const key = `${name}|${chainId}|${verifyingContract.toLowerCase()}`
  let separator = separators.get(key)
  if (!separator) {
    const words = [
      DOMAIN_TYPE,
      keccakText(name),
      VERSION_HASH,
      uintWord(chainId),
      addressWord(verifyingContract),
    ]
    separator = `0x${bytesToHex(keccak(wordBytes(words)))}`
    separators.set(key, separator)
  }
  return separator
}

/** Digest to sign for a struct whose fields are all static: 32-byte words in the type's order. */
export function typedDigest(domain: Domain, typeHash: Hex, words: readonly Hex[]): Hex {
  const signed = new Uint8Array(66)
  signed.set([0x19, 0x01])
  signed.set(hexToBytes(domainSeparator(domain)), 2)
  signed.set(keccak(wordBytes([typeHash, ...words])), 34)
  return `0x${bytesToHex(keccak(signed))}`
}

const wordBytes = (words: readonly Hex[]): Uint8Array =>
  hexToBytes(words.map((word) => word.slice(2)).join(''))

/**
 * Unsigned integer as a 32-byte word.
 * @throws RangeError when it is negative or does not fit
 */
export function uintWord(value: bigint | number): Hex {
  const digits = value.toString(16)
  if (value < 0 || digits.length > 64) throw new RangeError('not an unsigned integer of 256 bits')
  return `0x${digits.padStart(64, '0')}`
}

/** Address as a 32-byte word. */
export const addressWord = (address: Address): Hex => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`
