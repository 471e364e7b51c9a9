import type { Address, Hex } from '../base/hex.ts'
import { recoverDigest } from './signature.ts'
import { type Voucher, voucherDigest } from './voucher.ts'

/** A voucher as it travels: the provider is the one that it is sent to. */
export interface SignedVoucher {
  /** Neuron in all since the beginning. */
  readonly cumulative: bigint
  /** 65 bytes. */
  readonly signature: Hex
}

const MAX_UINT96 = 2n ** 96n - 1n

/** Value of the request header `zg-voucher`: `v1,<neuron>,<signature>`. */
export const formatVoucher = ({ cumulative, signature }: SignedVoucher): string =>
  `v1,${cumulative},${signature}`

/** Reads the header; null when malformed. */
export function parseVoucher(value: string): SignedVoucher | null {
  const match = /^v1,(0|[1-9]\d{0,28}),(0x[0-9a-f]{130})$/.exec(value)
  if (!match) return null
  const cumulative = BigInt(match[1]!)
  return cumulative > MAX_UINT96 ? null : { cumulative, signature: match[2] as Hex }
}

/** Address of the session key that signed, or null for what is no signature. */
export const recoverVoucher = (
  chainId: number,
  contract: Address,
  voucher: Voucher,
  signature: Hex,
): Address | null => recoverDigest(voucherDigest(chainId, contract, voucher), signature)
