import { larger } from '../../base/bigint.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { BatchPayer } from './batches.ts'
import type { BlockRef, NewSettlement, StoredSettlement } from './settlements.ts'

/** What the ledger keeps of one user. Amounts in neuron. */
export interface UserAccount {
  readonly user: Address
  /** Everything ever charged: the `cumulative` of the latest receipt. */
  readonly charged: bigint
  /** The number of the latest receipt. */
  readonly lastSeq: number
  /** Taken on chain. */
  readonly paid: bigint
  /** Of it by batches; the rest was taken by deltas. */
  readonly settled: bigint
  /** Every receipt up to this number is paid in full. */
  readonly settledSeq: number
  /** Of the newest settlement. */
  readonly lastNonce: bigint
  /** Open settlements: a row that somebody removed is missed. */
  readonly open: number
}

/** What a step makes of an account and one of its settlements. */
export interface Move {
  readonly account: UserAccount
  readonly settlement: StoredSettlement
}

export const emptyAccount = (user: Address): UserAccount => ({
  user: user.toLowerCase() as Address,
  charged: 0n,
  lastSeq: 0,
  paid: 0n,
  settled: 0n,
  settledSeq: 0,
  lastNonce: 0n,
  open: 0,
})

export const raise = (account: UserAccount, seq: number, cumulative: bigint): UserAccount => ({
  ...account,
  charged: cumulative,
  lastSeq: seq,
})

/** @throws AppError `settlement_out_of_order` for a second open one, a used nonce, or more than is owed */
export function openSettlement(account: UserAccount, fresh: NewSettlement): Move {
  const { nonce, totalFee } = fresh.entry
  const throughTotal = account.paid + totalFee
  if (account.open > 0 || nonce <= account.lastNonce || throughTotal > account.charged) {
    throw outOfOrder(account.user)
  }
  const settlement: StoredSettlement = {
    ...fresh,
    entry: { ...fresh.entry, user: account.user },
    state: 'open',
    txHash: null,
    paid: 0n,
    afterSeq: account.settledSeq,
    throughTotal,
    block: null,
  }
  return { account: { ...account, lastNonce: nonce, open: 1 }, settlement }
}

/** The chain took the nonce and paid so much; the receipts count as settled only when all up to there is paid. */
export function finish(
  { account, settlement }: Move,
  paid: bigint,
  txHash: `0x${string}`,
  block: BlockRef | null,
): Move {
  const total = account.paid + paid
  const settledSeq =
    total >= settlement.throughTotal
      ? Math.max(account.settledSeq, settlement.throughSeq)
      : account.settledSeq
  return {
    account: { ...account, paid: total, settledSeq, open: account.open - 1 },
    settlement: { ...settlement, state: block ? 'done' : 'final', paid, txHash, block },
  }
}

/** The chain will never take it: the amount is owed again. */
export const cancel = ({ account, settlement }: Move): Move => ({
  account: { ...account, open: account.open - 1 },
  settlement: { ...settlement, state: 'void' },
})

/** A reorganisation took the payment back: the same bytes are open again. */
export const reopen = ({ account, settlement }: Move): Move => ({
  account: {
    ...account,
    paid: account.paid - settlement.paid,
    settledSeq: Math.min(account.settledSeq, settlement.afterSeq),
    open: account.open + 1,
  },
  settlement: { ...settlement, state: 'open', paid: 0n, block: null },
})

/**
 * The chain took `paid` neuron up to `nonce` by entries that this ledger does not know, as after a start from an
 * old copy. They count as paid; receipts that were lost are not asked for again, so the payer never pays twice.
 */
export function adopt(
  account: UserAccount,
  { paid, nonce }: { readonly paid: bigint; readonly nonce: bigint },
): UserAccount {
  if (nonce <= account.lastNonce) return account
  const total = account.paid + paid
  const isCovered = total >= account.charged
  return {
    ...account,
    paid: total,
    charged: isCovered ? total : account.charged,
    settledSeq: isCovered ? account.lastSeq : account.settledSeq,
    lastNonce: nonce,
  }
}

/** What a batch asks of a user in all. */
export const batchPayer = ({ user, charged, paid, settled, settledSeq }: UserAccount): BatchPayer => ({
  user,
  cumulative: charged - (paid - settled),
  afterSeq: settledSeq,
})

/** Batches took `settled` in all, the newest of them numbered `number`; an older word changes nothing. */
export function settleTo(
  account: UserAccount,
  settled: bigint,
  payer: BatchPayer,
  number: number,
): UserAccount {
  const isCovered = settled >= payer.cumulative
  return {
    ...withSettled(account, larger(account.settled, settled)),
    settledSeq: isCovered ? Math.max(account.settledSeq, number) : account.settledSeq,
  }
}

/** A reorganisation moved a batch: `settled` is what the chain says now, more or less. */
export const rebook = (account: UserAccount, settled: bigint, payer: BatchPayer): UserAccount => ({
  ...withSettled(account, settled),
  settledSeq: settled >= payer.cumulative ? account.settledSeq : Math.min(account.settledSeq, payer.afterSeq),
})

/** Batches took `settled` in all, beyond what this ledger remembers to have charged. */
export function adoptSettled(account: UserAccount, settled: bigint): UserAccount {
  const adopted = withSettled(account, larger(account.settled, settled))
  const isCovered = adopted.paid >= account.charged
  if (!isCovered) return adopted
  return { ...adopted, charged: adopted.paid, settledSeq: Math.max(account.settledSeq, account.lastSeq) }
}

const withSettled = (account: UserAccount, settled: bigint): UserAccount => ({
  ...account,
  paid: account.paid - account.settled + settled,
  settled,
})

const outOfOrder = (user: Address): AppError =>
  new AppError({
    code: 'settlement_out_of_order',
    message: `A settlement of ${user} is open or was overtaken`,
  })
