import { AbiCoder, concat, id, keccak256, toBeHex, zeroPadValue } from 'ethers'
import type { Address, Hex } from '../base/hex.ts'

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

const DOMAIN_TYPE = id('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const VERSION_HASH = id('1')
const separators = new Map<string, Hex>()

/** Domain separator, computed once per domain. @see https://eips.ethereum.org/EIPS/eip-712 */
export function domainSeparator({ name, chainId, verifyingContract }: Domain): Hex {
  const key = `${name}|${chainId}|${verifyingContract.toLowerCase()}`
  let separator = separators.get(key)
  if (!separator) {
    separator = keccak256(
      AbiCoder.defaultAbiCoder().encode(
        ['bytes32', 'bytes32', 'bytes32', 'uint256', 'address'],
        [DOMAIN_TYPE, id(name), VERSION_HASH, chainId, verifyingContract],
      ),
    ) as Hex
    separators.set(key, separator)
  }
  return separator
}

/** Digest to sign for a struct whose fields are all static: 32-byte words in the type's order. */
export function typedDigest(domain: Domain, typeHash: Hex, words: readonly Hex[]): Hex {
  return keccak256(
    concat(['0x1901', domainSeparator(domain), keccak256(concat([typeHash, ...words]))]),
  ) as Hex
}

/** Unsigned integer as a 32-byte word. */
export const uintWord = (value: bigint | number): Hex => toBeHex(value, 32) as Hex

/** Address as a 32-byte word. */
export const addressWord = (address: Address): Hex => zeroPadValue(address, 32) as Hex
