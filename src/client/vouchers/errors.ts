import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'

/** The provider asks for more than this client checked, and nothing that it knows of explains the rest. */
export const voucherUnexplained = (provider: Address, charged: bigint, verified: bigint): AppError =>
  new AppError({
    code: 'voucher_unexplained',
    message: `Provider ${provider} says that it charged ${format0G(charged)} 0G in all; this client checked ${format0G(verified)} 0G: ${format0G(charged - verified)} 0G are not explained`,
    hint: 'Nothing was signed for them, and it serves nothing until they are. Use another provider',
    next: '0g-compute receipts audit',
    exitCode: EXIT.rejected,
    details: { charged: charged.toString(), verified: verified.toString() },
  })

/** Beside vouchers the provider could take what lies there by a signer of its own. */
export const accountExposed = (provider: Address): AppError =>
  new AppError({
    code: 'account_exposed',
    message: `Your account at ${provider} has acknowledged a signer of this provider, which runs without a TEE now: by that signer it could take more than your vouchers say`,
    hint: 'Bring the money back, and use another provider or another account. Nothing was sent',
    next: '0g-compute fund withdraw --all',
    exitCode: EXIT.rejected,
    details: { provider },
  })

/** Acknowledged, it could take all that lies there, whatever the vouchers say. */
export const signerUnchecked = (provider: Address): AppError =>
  new AppError({
    code: 'signer_unchecked',
    message: `You pay ${provider} by vouchers, and it has named a signer since, of which this client has checked nothing: money paid in now would acknowledge it`,
    hint: 'Nothing was sent. Ask for an answer instead: its evidence is checked then, before anything is acknowledged',
    next: `0g-compute provider verify ${provider}`,
    exitCode: EXIT.rejected,
    details: { provider },
  })

/** More than the session key may sign. */
export const voucherCapReached = (provider: Address, wanted: bigint, cap: bigint): AppError =>
  new AppError({
    code: 'voucher_cap_reached',
    message: `The session key may sign up to ${format0G(cap)} 0G in all, ${format0G(wanted)} 0G are wanted`,
    hint: 'Fund the provider: that raises the cap. Nothing was sent',
    next: `0g-compute fund 1 --provider ${provider}`,
    exitCode: EXIT.noFunds,
    status: 402,
    details: { cap: cap.toString(), wanted: wanted.toString() },
  })
