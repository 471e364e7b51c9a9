import type { Address, Hex } from '../base/hex.ts'
import { keccakText } from '../base/keccak.ts'
import { addressWord, INFERENCE_DOMAIN, typedDigest, uintWord } from './eip712.ts'
import { type PrivateKey, signDigest } from './signature.ts'

/** One entry of `settleFeesWithTEE`: a delta in neuron. */
export interface TeeSettlement {
  readonly user: Address
  readonly provider: Address
  readonly totalFee: bigint
  /** Opaque to the contract; ours is sha256 over the receipts' detail hashes in order of their numbers. */
  readonly requestsHash: Hex
  /** Above the account's nonce. */
  readonly nonce: bigint
}

/** Statuses of an entry, in the contract's order. */
export const SETTLEMENT_STATUS = [
  'SUCCESS',
  'PARTIAL',
  'PROVIDER_MISMATCH',
  'NO_TEE_SIGNER',
  'INVALID_NONCE',
  'INVALID_SIGNATURE',
] as const
export type SettlementStatus = (typeof SETTLEMENT_STATUS)[number]

export const TEE_SETTLEMENT_TYPE =
  'TEESettlement(bytes32 requestsHash,uint256 nonce,address provider,address user,uint256 totalFee)'

const TYPE_HASH = keccakText(TEE_SETTLEMENT_TYPE)

/** EIP-712 digest of an entry. The signed order of fields differs from that of the calldata. @see contracts.md 2.1 */
export function settlementDigest(chainId: number, contract: Address, entry: TeeSettlement): Hex {
  return typedDigest({ name: INFERENCE_DOMAIN, chainId, verifyingContract: contract }, TYPE_HASH, [
    entry.requestsHash,
    uintWord(entry.nonce),
    addressWord(entry.provider),
    addressWord(entry.user),
    uintWord(entry.totalFee),
  ])
}

export const signSettlement = (
  key: PrivateKey,
  chainId: number,
  contract: Address,
  entry: TeeSettlement,
): Hex => signDigest(key, settlementDigest(chainId, contract, entry))
