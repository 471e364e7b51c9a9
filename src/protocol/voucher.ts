import { Signature } from 'ethers/crypto'
import { concat, toBeHex } from 'ethers/utils'
import type { Address, Hex } from '../base/hex.ts'
import { keccakText } from '../base/keccak.ts'
import { addressWord, INFERENCE_DOMAIN, typedDigest, uintWord } from './eip712.ts'
import { type PrivateKey, signDigest } from './signature.ts'

/**
 * A payer's permission to a session key: it may sign vouchers for one provider. Both sign it, the payer and the
 * session key; with one provider the key then belongs to one payer for ever.
 */
export interface Delegation {
  readonly provider: Address
  readonly user: Address
  readonly sessionKey: Address
  /** Neuron in all since the beginning; the contract keeps whole gwei. */
  readonly cap: bigint
  /** Unix seconds. Vouchers can be claimed for one lock time after it. */
  readonly expiry: number
}

/**
 * The most that a provider may have claimed of a payer, neuron in all since the beginning. The session key that
 * signs it names the payer.
 */
export interface Voucher {
  readonly provider: Address
  readonly cumulative: bigint
}

/** A claim on a voucher: `claimed` of the `signed` neuron. */
export interface VoucherRow {
  readonly claimed: bigint
  readonly signed: bigint
  /** 65 bytes, as `signVoucher` returns them. */
  readonly signature: Hex
}

export const DELEGATION_TYPE =
  'Delegation(address provider,address user,address sessionKey,uint96 cap,uint40 expiry)'
export const VOUCHER_TYPE = 'Voucher(address provider,uint96 cumulative)'

const DELEGATION_HASH = keccakText(DELEGATION_TYPE)
const VOUCHER_HASH = keccakText(VOUCHER_TYPE)

/** EIP-712 digest of a delegation, for the payer and the session key to sign. */
export function delegationDigest(chainId: number, contract: Address, delegation: Delegation): Hex {
  const { provider, user, sessionKey, cap, expiry } = delegation
  return typedDigest({ name: INFERENCE_DOMAIN, chainId, verifyingContract: contract }, DELEGATION_HASH, [
    addressWord(provider),
    addressWord(user),
    addressWord(sessionKey),
    uintWord(cap),
    uintWord(expiry),
  ])
}

/** EIP-712 digest of a voucher, for the session key to sign. */
export function voucherDigest(chainId: number, contract: Address, voucher: Voucher): Hex {
  const { provider, cumulative } = voucher
  return typedDigest({ name: INFERENCE_DOMAIN, chainId, verifyingContract: contract }, VOUCHER_HASH, [
    addressWord(provider),
    uintWord(cumulative),
  ])
}

/** The payer's signature, or the session key's proof that it agrees: by the key given. */
export const signDelegation = (
  key: PrivateKey,
  chainId: number,
  contract: Address,
  delegation: Delegation,
): Hex => signDigest(key, delegationDigest(chainId, contract, delegation))

export const signVoucher = (key: PrivateKey, chainId: number, contract: Address, voucher: Voucher): Hex =>
  signDigest(key, voucherDigest(chainId, contract, voucher))

/**
 * Rows as the contract reads them, 88 bytes each: claimed 12, signed 12, `r` 32, `vs` 32.
 * @see https://eips.ethereum.org/EIPS/eip-2098
 */
export const encodeVoucherRows = (rows: readonly VoucherRow[]): Hex =>
  concat(
    rows.flatMap(({ claimed, signed, signature }) => [
      toBeHex(claimed, 12),
      toBeHex(signed, 12),
      Signature.from(signature).compactSerialized,
    ]),
  ) as Hex
