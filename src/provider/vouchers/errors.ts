import { AppError, EXIT } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'

/** Vouchers that a refusal shows. */
const MAX_SHOWN = 8

/** What a request needs, and what is signed. Neuron in all since the beginning. */
export interface VoucherFigures {
  readonly provider: Address
  /** Charged before. */
  readonly charged: bigint
  /** Set aside for requests under way. */
  readonly reserved: bigint
  /** The most that this request can cost. */
  readonly amount: bigint
  /** Served beyond what is signed. */
  readonly credit: bigint
  /** What can be claimed, neuron in all. */
  readonly signed: bigint
  /** The highest of each key: they show a payer who has forgotten it what its own keys signed. */
  readonly vouchers: readonly { readonly cumulative: bigint; readonly signature: Hex }[]
}

/** The header is missing, and what was signed before does not do. */
export const voucherMissing = (figures: VoucherFigures): AppError =>
  new AppError({
    code: 'voucher_missing',
    message: 'This provider has no TEE and is paid by vouchers; the request carries none',
    hint: 'Use 0g-compute, or an OpenAI client through 0g-compute proxy: they sign one for each request. Nothing was charged',
    next: `0g-compute proxy --provider ${figures.provider}`,
    exitCode: EXIT.noFunds,
    status: 402,
    details: detailsOf(figures),
  })

export function voucherInsufficient(figures: VoucherFigures): AppError {
  const { charged, reserved, amount, credit, signed } = figures
  const needed = charged + reserved + amount - credit
  return new AppError({
    code: 'voucher_insufficient',
    message: `The vouchers cover ${format0G(signed)} 0G in all; ${format0G(charged)} 0G were charged, ${format0G(reserved)} 0G are set aside, and the request may cost ${format0G(amount)} 0G: ${format0G(needed)} 0G are needed`,
    hint: 'Sign a voucher for that total; what is set aside for other requests ends with them. Nothing was charged',
    next: '0g-compute infer',
    retryable: reserved > 0n,
    exitCode: EXIT.noFunds,
    status: 402,
    details: detailsOf(figures),
  })
}

export const voucherMalformed = (): AppError =>
  new AppError({
    code: 'voucher_malformed',
    message: 'The header ZG-Voucher is not v1,<neuron>,<signature>',
    hint: 'The neuron in decimal, the signature as 65 bytes in lower-case hex. Nothing was charged',
    status: 400,
  })

export const sessionUnknown = (sessionKey: Address | null): AppError =>
  new AppError({
    code: 'session_unknown',
    message: `The voucher is signed by ${sessionKey ?? 'nobody'}, whose vouchers are not this account's`,
    hint: 'Delegate the session key on chain first, and sign for this provider, contract and chain. Nothing was charged',
    next: '0g-compute infer',
    status: 403,
  })

export const sessionOver = (expiry: number, needed: number): AppError =>
  new AppError({
    code: 'session_over',
    message: `The session key's delegation ends at ${timeOf(expiry)}; what it signs now is taken until ${timeOf(needed)}`,
    hint: 'Put its expiry off on chain, or delegate another key. Nothing was charged',
    next: '0g-compute infer',
    status: 403,
    details: { expiry, needed },
  })

export const sessionVoid = (): AppError =>
  new AppError({
    code: 'session_void',
    message: 'The sub-account was closed since the session key was delegated: its vouchers are void',
    hint: 'Delegate another key. Nothing was charged',
    next: '0g-compute infer',
    status: 403,
  })

export const voucherOverCap = (cumulative: bigint, cap: bigint): AppError =>
  new AppError({
    code: 'voucher_over_cap',
    message: `The voucher is for ${format0G(cumulative)} 0G in all, its session key may sign up to ${format0G(cap)} 0G`,
    hint: 'Raise the cap of the key on chain. Nothing was charged',
    next: '0g-compute infer',
    exitCode: EXIT.noFunds,
    status: 402,
    details: { cumulative: cumulative.toString(), cap: cap.toString() },
  })

export const settledByBatches = (provider: Address): AppError =>
  new AppError({
    code: 'account_settled_by_batches',
    message:
      'This account was settled by batches of an enclave before, and the contract takes no vouchers for it',
    hint: 'Use another account, or another provider. Nothing was charged',
    next: `0g-compute provider show ${provider}`,
    status: 403,
  })

const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

const detailsOf = ({ charged, reserved, amount, credit, vouchers }: VoucherFigures) => ({
  charged: charged.toString(),
  reserved: reserved.toString(),
  amount: amount.toString(),
  credit: credit.toString(),
  vouchers: vouchers
    .slice(0, MAX_SHOWN)
    .map(({ cumulative, signature }) => ({ cumulative: cumulative.toString(), signature })),
})
