import type { Address } from '../base/hex.ts'

/** A part of a sub-account on its way back to the ledger. */
export interface PendingRefund {
  readonly amount: bigint
  /** Unix seconds; collectable `lockTime` later. */
  readonly createdAt: number
}

/** A user's sub-account at a provider. Amounts in neuron; `balance` includes `pendingRefund`. */
export interface Account {
  readonly user: Address
  readonly provider: Address
  readonly nonce: bigint
  readonly balance: bigint
  readonly pendingRefund: bigint
  readonly refunds: readonly PendingRefund[]
  readonly acknowledged: boolean
  readonly generation: number
  readonly revokedBitmap: bigint
  /** Taken by batches and vouchers in all before the balance was read; absent where that was not asked. */
  readonly settled?: bigint
}

/** What a provider may charge now: the balance less what is on its way back. */
export const freeBalance = (account: Account): bigint =>
  account.balance > account.pendingRefund ? account.balance - account.pendingRefund : 0n

/** Whether one persistent token of an account was revoked. */
export const isTokenRevoked = (account: Pick<Account, 'revokedBitmap'>, tokenId: number): boolean =>
  ((account.revokedBitmap >> BigInt(tokenId)) & 1n) === 1n
