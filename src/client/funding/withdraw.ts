import type { TransactionReceipt } from 'ethers'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { SubAccount } from '../../chain/subAccounts.ts'
import type { PreparedTransaction } from '../../chain/transaction.ts'
import type { Session } from '../session.ts'
import { hasAdditions } from './additions.ts'
import { isRequestable, maturedOf, refundsUnderWay } from './planRecall.ts'
import { WayBack } from './wayBack.ts'
import { AmountWithdrawal, tooMuch } from './withdrawAmount.ts'

/** What a provider is asked for. `amount` in neuron; it can be collected after `lockSeconds`. */
export interface AskedBack {
  readonly provider: Address
  /** The ledger's name for it, e.g. `inference-v1.0`. */
  readonly service: string
  readonly amount: bigint
  readonly lockSeconds: number
}

export interface WithdrawHooks {
  /** Before an amount takes money from providers. May refuse by throwing. */
  readonly onRecall?: (asked: readonly AskedBack[]) => Promise<void> | void
  readonly onTransaction?: (prepared: PreparedTransaction) => void
  readonly onMined?: (title: string, receipt: TransactionReceipt) => void
  /** While locked refunds are waited for. */
  readonly onWait?: (secondsLeft: number) => void
  readonly signal?: AbortSignal
}

export interface WithdrawOptions {
  /** Neuron; everything when absent. */
  readonly amount?: bigint
  /** Longest wait for locked refunds, seconds; beyond it the result says when to come back. */
  readonly maxWaitSeconds: number
}

export interface WithdrawResult {
  /** Neuron that arrived in the wallet by this call: of an amount all or nothing. */
  readonly withdrawn: bigint
  /** Neuron on its way from providers. */
  readonly pending: bigint
  /** When all that is asked for can be collected, unix seconds of the chain; null where nothing is on its way. */
  readonly unlocksAt: number | null
  readonly transactions: readonly {
    readonly title: string
    readonly txHash: string
    readonly gasCost: bigint
  }[]
}

/**
 * Brings money back to the wallet. Looks at the chain before each step and does what is left to do, so it may be
 * interrupted anywhere and run again.
 */
export class Withdrawal {
  readonly #session: Session
  readonly #options: WithdrawOptions
  readonly #hooks: WithdrawHooks

  constructor(session: Session, options: WithdrawOptions, hooks: WithdrawHooks = {}) {
    this.#session = session
    this.#options = options
    this.#hooks = hooks
  }

  /**
   * Requests refunds, waits for them as long as allowed, collects, withdraws from the ledger.
   * @throws AppError `nothing_to_withdraw`, `withdraw_too_much`, `withdraw_leaves_dust`, those of transactions
   */
  async run(): Promise<WithdrawResult> {
    const { amount } = this.#options
    const way = await WayBack.open(this.#session, this.#hooks)
    const total = (await way.ledger())?.total ?? 0n
    if (total === 0n) throw nothingToWithdraw()
    if (amount !== undefined && amount > total) throw tooMuch(amount, total)
    const additions = await hasAdditions(this.#session.inference)
    if (amount !== undefined) return this.#amount(way, amount, additions)
    const withdrawn = additions ? await this.#leave(way) : await this.#retrieveAll(way)
    const { pending, last } = await underWay(way)
    return { withdrawn, pending, unlocksAt: last, transactions: way.transactions }
  }

  async #amount(way: WayBack, amount: bigint, asksForParts: boolean): Promise<WithdrawResult> {
    const { onRecall } = this.#hooks
    const withdrawal = new AmountWithdrawal(way, { ...this.#options, amount, asksForParts, onRecall })
    const withdrawn = await withdrawal.run()
    const { pending, last } = await underWay(way)
    const unlocksAt = withdrawn < amount ? await withdrawal.unlocksAt() : last
    return { withdrawn, pending, unlocksAt, transactions: way.transactions }
  }

  /** All of it in one transaction now, and one more when the locks are over. @returns neuron that came to the wallet */
  async #leave(way: WayBack): Promise<bigint> {
    const title = 'ask every provider for the money back, and withdraw what is free'
    const withdrawn = await this.#leaveOnce(way, title)
    await this.#waitForLocks(way)
    return withdrawn + (await this.#leaveOnce(way, 'collect what was locked, and withdraw it'))
  }

  async #leaveOnce(way: WayBack, title: string): Promise<bigint> {
    const record = await way.ledger()
    if (!record) return 0n
    if (record.available === 0n && (await accountsWithWork(way)).length === 0) return 0n
    const receipt = await way.send({ title, method: 'leave', args: [] })
    const paid = receipt.logs
      .map((log) => this.#session.ledger.interface.parseLog(log))
      .filter((log) => log?.name === 'Withdrawn')
    return paid.reduce((sum, log) => sum + (log!.args.amount as bigint), 0n)
  }

  /** Step by step, where the ledger cannot be left in one. @returns neuron that came to the wallet */
  async #retrieveAll(way: WayBack): Promise<bigint> {
    await way.retrieve(await accountsWithWork(way))
    await this.#waitForLocks(way)
    await way.retrieve(await accountsWithWork(way))
    const record = await way.ledger()
    if (!record || record.available === 0n) return 0n
    await way.withdraw(record.available, record)
    return record.available
  }

  #waitForLocks(way: WayBack): Promise<void> {
    return way.waitUntil(async () => (await underWay(way)).last, this.#options.maxWaitSeconds)
  }
}

/** What is on its way, neuron, and when the last of it can be collected. */
async function underWay(way: WayBack): Promise<{ pending: bigint; last: number | null }> {
  const refunds = refundsUnderWay(await way.accounts())
  return {
    pending: refunds.reduce((sum, { amount }) => sum + amount, 0n),
    last: refunds.at(-1)?.unlocksAt ?? null,
  }
}

/** Those where a call collects or requests something, and cannot be refused. */
async function accountsWithWork(way: WayBack): Promise<SubAccount[]> {
  const now = await way.now()
  return (await way.accounts()).filter(
    (account) => isRequestable(account, now) || maturedOf(account, now) > 0n,
  )
}

const nothingToWithdraw = (): AppError =>
  new AppError({
    code: 'nothing_to_withdraw',
    message: 'There is nothing to withdraw',
    hint: 'The ledger is empty',
    next: '0g-compute fund status',
  })
