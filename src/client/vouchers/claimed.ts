import type { AppError } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import type { SignedVoucher } from '../../protocol/voucherHeader.ts'

/** What a broker says in the details of `voucher_insufficient` and `voucher_missing`. Neuron; a stranger's word. */
export interface Claimed {
  /** In all, before this request. */
  readonly charged: bigint
  /** The most that this request can cost. */
  readonly amount: bigint
  /** What it holds of this payer. */
  readonly vouchers: readonly SignedVoucher[]
}

/** More are not looked at. */
const MAX_SHOWN = 8

const NEURON = /^\d{1,29}$/

/** Null where the details are not what the protocol fixes. */
export function claimedIn({ details }: AppError): Claimed | null {
  const { charged, amount, vouchers } = details ?? {}
  if (!isNeuron(charged) || !isNeuron(amount)) return null
  return { charged: BigInt(charged), amount: BigInt(amount), vouchers: vouchersIn(vouchers) }
}

const vouchersIn = (value: unknown): SignedVoucher[] =>
  (Array.isArray(value) ? value : [])
    .slice(0, MAX_SHOWN)
    .map(voucherIn)
    .filter((voucher) => voucher !== null)

function voucherIn(value: unknown): SignedVoucher | null {
  const { cumulative, signature } = (value ?? {}) as { cumulative?: unknown; signature?: unknown }
  if (!isNeuron(cumulative) || typeof signature !== 'string' || !/^0x[0-9a-f]{130}$/.test(signature))
    return null
  return { cumulative: BigInt(cumulative), signature: signature as Hex }
}

const isNeuron = (value: unknown): value is string => typeof value === 'string' && NEURON.test(value)
