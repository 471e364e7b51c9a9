import type { Address } from '../../base/hex.ts'
import { sameAddress } from '../../base/hex.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { findService } from '../../chain/inference.ts'
import { findLedger } from '../../chain/ledger.ts'
import { listServingContracts, listSubAccounts, type SubAccount } from '../../chain/subAccounts.ts'
import { requireAccount, type Session } from '../session.ts'
import { type EscrowStatus, type KnownOrder, readEscrows } from './escrows.ts'

/** A refund under way. Times in unix seconds of the chain. */
export interface RefundStatus {
  readonly amount: bigint
  readonly unlocksAt: number
  /** Seconds from now by the chain's clock; 0 when it can be collected. */
  readonly secondsLeft: number
}

/** Money at one provider, neuron. */
export interface SubAccountStatus {
  readonly service: string
  readonly provider: Address
  readonly balance: bigint
  /** What the provider can charge: without what is on its way back. */
  readonly free: bigint
  /** Owed for answers and not settled yet; null when the provider did not say. */
  readonly unsettled: bigint | null
  readonly refunds: readonly RefundStatus[]
}

/** Every place where a user's money can be, neuron. */
export interface FundStatus {
  readonly user: Address
  readonly wallet: bigint
  /** Deposited and not at a provider. */
  readonly available: bigint
  /** Deposited, sub-accounts included. */
  readonly deposited: bigint
  readonly subAccounts: readonly SubAccountStatus[]
  /** Fees of fine-tuning that is not over: no longer deposited. */
  readonly escrows: readonly EscrowStatus[]
  /** The sum of `amount` in `escrows`. */
  readonly inEscrow: bigint
  /** Deposited money that no known sub-account holds; 0 unless a service is unknown here. */
  readonly elsewhere: bigint
  /** Chain's time, unix seconds. */
  readonly chainTime: number
}

/** Asks the provider what is owed. */
export type UnsettledReader = (provider: Address, url: string) => Promise<bigint>

/**
 * Reads the chain, and asks each provider what is owed where `unsettled` is given.
 * @param orders of fine-tuning that this machine knows
 */
export async function readFundStatus(
  session: Session,
  orders: readonly KnownOrder[],
  unsettled?: UnsettledReader,
): Promise<FundStatus> {
  const { rpc, ledger, network } = session
  const user = requireAccount(session).address
  const [wallet, record, services, chainTime, escrows] = await Promise.all([
    rpc.getBalance(user),
    findLedger(ledger, user),
    listServingContracts(network, ledger, rpc),
    chainTimeSeconds(rpc),
    readEscrows(session, orders),
  ])
  const accounts = record ? await listSubAccounts(ledger, services, user) : []
  const subAccounts = await Promise.all(
    accounts.map((account) => statusOf(session, account, chainTime, unsettled)),
  )
  const available = record?.available ?? 0n
  const deposited = record?.total ?? 0n
  const inAccounts = accounts.reduce((sum, { balance }) => sum + balance, 0n)
  return {
    user,
    wallet,
    available,
    deposited,
    subAccounts,
    escrows,
    inEscrow: escrows.reduce((sum, { amount }) => sum + amount, 0n),
    elsewhere: deposited - available - inAccounts,
    chainTime,
  }
}

async function statusOf(
  session: Session,
  account: SubAccount,
  chainTime: number,
  unsettled?: UnsettledReader,
): Promise<SubAccountStatus> {
  const { service, provider, balance, pendingRefund } = account
  return {
    service: service.name,
    provider,
    balance,
    free: balance > pendingRefund ? balance - pendingRefund : 0n,
    unsettled: unsettled ? await unsettledAt(session, account, unsettled) : null,
    refunds: account.refunds
      .filter(({ amount }) => amount > 0n)
      .map(({ amount, createdAt }) => refundStatus(amount, createdAt + service.lockTimeSeconds, chainTime)),
  }
}

const refundStatus = (amount: bigint, unlocksAt: number, chainTime: number): RefundStatus => ({
  amount,
  unlocksAt,
  secondsLeft: Math.max(0, unlocksAt - chainTime),
})

async function unsettledAt(
  { inference }: Session,
  { service, provider }: SubAccount,
  read: UnsettledReader,
): Promise<bigint | null> {
  if (
    service.kind !== 'inference' ||
    !sameAddress(String(service.contract.target), String(inference.target))
  ) {
    return null
  }
  const found = await findService(inference, provider)
  return found ? await read(provider, found.url).catch(() => null) : null
}
