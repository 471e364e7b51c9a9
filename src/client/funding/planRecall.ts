import { smaller } from '../../base/bigint.ts'
import type { SubAccount } from '../../chain/subAccounts.ts'

/** An account holds at most this many refunds; the deployed contract refuses one more. @see contracts.md section 1.4 */
const MAX_REFUNDS = 5

/** What an amount takes from one provider, neuron. */
export interface Recall {
  readonly account: SubAccount
  /** Asked back now; 0 where only what has matured is collected. */
  readonly amount: bigint
}

/** How an amount comes together, neuron. */
export interface RecallPlan {
  readonly recalls: readonly Recall[]
  /** More than was needed, as a refund that is on its way comes back whole. */
  readonly surplus: bigint
  /** What nobody can be asked for now. */
  readonly missing: bigint
}

/** Can be charged by the provider: it is not on its way back. */
export const freeOf = ({ balance, pendingRefund }: SubAccount): bigint =>
  balance > pendingRefund ? balance - pendingRefund : 0n

/** What has waited long enough. @param now chain's time, unix seconds */
export const maturedOf = ({ refunds, service }: SubAccount, now: number): bigint =>
  refunds.reduce(
    (sum, { amount, createdAt }) => (createdAt + service.lockTimeSeconds <= now ? sum + amount : sum),
    0n,
  )

/** A refund that was asked for. `unlocksAt` in unix seconds of the chain. */
export interface Refund {
  readonly amount: bigint
  readonly unlocksAt: number
}

/** What is on its way, and what could be collected, the soonest first. */
export const refundsUnderWay = (accounts: readonly SubAccount[]): Refund[] =>
  accounts
    .flatMap(({ refunds, service }) =>
      refunds.map(({ amount, createdAt }) => ({ amount, unlocksAt: createdAt + service.lockTimeSeconds })),
    )
    .filter(({ amount }) => amount > 0n)
    .sort((a, b) => a.unlocksAt - b.unlocksAt)

/** Whether more can be asked back. */
export function isRequestable(account: SubAccount, now: number): boolean {
  const locked = account.refunds.filter(({ createdAt }) => createdAt + account.service.lockTimeSeconds > now)
  return freeOf(account) > 0n && locked.length < MAX_REFUNDS
}

/**
 * The least that has to be asked back for an amount: first what has matured, then what is on its way anyway, then money
 * of providers that sell nothing any more, then of the others, the fullest first, so that they are few.
 * @param short neuron that the ledger lacks
 */
export function planRecall(
  accounts: readonly SubAccount[],
  short: bigint,
  now: number,
  isGone: (account: SubAccount) => boolean = () => false,
): RecallPlan {
  let missing = short
  const recalls = new Map<SubAccount, bigint>()
  for (const account of accounts.filter((one) => maturedOf(one, now) > 0n).sort(byFree)) {
    if (missing <= 0n) break
    recalls.set(account, 0n)
    missing -= maturedOf(account, now)
  }
  for (const { amount } of refundsUnderWay(accounts).filter(({ unlocksAt }) => unlocksAt > now)) {
    if (missing > 0n) missing -= amount
  }
  const askable = accounts.filter((account) => isRequestable(account, now))
  for (const account of askable.sort((a, b) => Number(isGone(b)) - Number(isGone(a)) || byFree(b, a))) {
    if (missing <= 0n) break
    const amount = smaller(missing, freeOf(account))
    recalls.set(account, amount)
    missing -= amount
  }
  return {
    recalls: [...recalls].map(([account, amount]) => ({ account, amount })),
    surplus: missing < 0n ? -missing : 0n,
    missing: missing > 0n ? missing : 0n,
  }
}

const byFree = (a: SubAccount, b: SubAccount): number => Number(freeOf(a) - freeOf(b))
