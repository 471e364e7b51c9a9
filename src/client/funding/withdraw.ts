import type { Contract, Signer, TransactionReceipt } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { findLedger, readMinimums } from '../../chain/ledger.ts'
import {
  listServingContracts,
  listSubAccounts,
  type ServingContract,
  type SubAccount,
} from '../../chain/subAccounts.ts'
import { type PreparedTransaction, prepare, send, type TransactionCall } from '../../chain/transaction.ts'
import { requireAccount, type Session } from '../session.ts'
import { hasAdditions } from './additions.ts'

export interface WithdrawHooks {
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
  /** Neuron that arrived in the wallet by this call. */
  readonly withdrawn: bigint
  /** Neuron on its way from providers, collectable at `unlocksAt` (unix seconds of the chain). */
  readonly pending: bigint
  readonly unlocksAt: number | null
  readonly transactions: readonly {
    readonly title: string
    readonly txHash: string
    readonly gasCost: bigint
  }[]
}

/** The ledger takes at most this many providers in one call. @see contracts.md section 1.3 */
const PROVIDERS_PER_CALL = 20
/** An account holds at most this many refunds; asking for one more reverts the whole call. */
const MAX_REFUNDS = 5
const POLL_MS = 1000

/**
 * Brings money back to the wallet. Looks at the chain before each step and does what is left to do, so it may be
 * interrupted anywhere and run again.
 */
export class Withdrawal {
  readonly #session: Session
  readonly #options: WithdrawOptions
  readonly #hooks: WithdrawHooks
  readonly #transactions: WithdrawResult['transactions'][number][] = []
  #services: ServingContract[] = []

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
    const { rpc, ledger, network } = this.#session
    this.#services = await listServingContracts(network, ledger, rpc)
    await this.#assertThereIsMoney()
    if (this.#options.amount === undefined && (await hasAdditions(this.#session.inference)))
      return this.#leave()
    if (await this.#needsProviders()) {
      await this.#retrieve()
      await this.#waitForLocks()
      await this.#retrieve()
    }
    const withdrawn = await this.#withdrawFromLedger()
    const { pending, unlocksAt } = await this.#pending()
    return { withdrawn, pending, unlocksAt, transactions: this.#transactions }
  }

  /** All of it in one transaction now, and one more when the locks are over. */
  async #leave(): Promise<WithdrawResult> {
    const title = 'ask every provider for the money back, and withdraw what is free'
    let withdrawn = await this.#leaveOnce(title)
    await this.#waitForLocks()
    withdrawn += await this.#leaveOnce('collect what was locked, and withdraw it')
    const { pending, unlocksAt } = await this.#pending()
    return { withdrawn, pending, unlocksAt, transactions: this.#transactions }
  }

  /** @returns neuron that came to the wallet */
  async #leaveOnce(title: string): Promise<bigint> {
    const record = await this.#ledger()
    if (!record) return 0n
    const now = await chainTimeSeconds(this.#session.rpc)
    const accounts = await this.#accounts()
    if (record.available === 0n && !accounts.some((account) => hasWork(account, now))) return 0n
    const { ledger } = this.#session
    const receipt = await this.#send({ title, contract: ledger, method: 'leave', args: [] })
    const paid = receipt.logs
      .map((log) => ledger.interface.parseLog(log))
      .filter((log) => log?.name === 'Withdrawn')
    return paid.reduce((sum, log) => sum + (log!.args.amount as bigint), 0n)
  }

  async #assertThereIsMoney(): Promise<void> {
    const record = await this.#ledger()
    const total = record?.total ?? 0n
    const { amount } = this.#options
    if (total === 0n) throw nothingToWithdraw()
    if (amount !== undefined && amount > total) throw tooMuch(amount, total)
  }

  async #needsProviders(): Promise<boolean> {
    const available = (await this.#ledger())?.available ?? 0n
    return this.#options.amount === undefined || available < this.#options.amount
  }

  /** Collects what is unlocked and asks for the rest, at every provider where either is to be done. */
  async #retrieve(): Promise<void> {
    const now = await chainTimeSeconds(this.#session.rpc)
    const accounts = await this.#accounts()
    for (const service of this.#services) {
      const providers = accounts
        .filter((account) => account.service === service && hasWork(account, now))
        .map(({ provider }) => provider)
      for (let i = 0; i < providers.length; i += PROVIDERS_PER_CALL) {
        await this.#retrieveFrom(service, providers.slice(i, i + PROVIDERS_PER_CALL))
      }
    }
  }

  #retrieveFrom(service: ServingContract, providers: readonly Address[]): Promise<unknown> {
    const title = `ask ${providers.length} provider${providers.length > 1 ? 's' : ''} of ${service.name} for the money back`
    return this.#send({
      title,
      contract: this.#session.ledger,
      method: 'retrieveFund',
      args: [providers, service.name],
    })
  }

  async #waitForLocks(): Promise<void> {
    const started = this.#session.runtime.now()
    for (;;) {
      const { unlocksAt } = await this.#pending()
      if (unlocksAt === null) return
      const left = unlocksAt - (await chainTimeSeconds(this.#session.rpc))
      if (left <= 0) return
      const waited = (this.#session.runtime.now() - started) / 1000
      if (left > this.#options.maxWaitSeconds - waited) return
      this.#hooks.onWait?.(left)
      await this.#session.runtime.sleep(Math.min(POLL_MS, left * 1000), this.#hooks.signal)
    }
  }

  async #withdrawFromLedger(): Promise<bigint> {
    const record = await this.#ledger()
    if (!record || record.available === 0n) return 0n
    const wanted = this.#options.amount ?? record.available
    if (wanted > record.available) return 0n
    await this.#assertNoDust(record.available - wanted)
    await this.#send({
      title: `withdraw ${format0G(wanted)} 0G to the wallet`,
      contract: this.#session.ledger,
      method: 'refund',
      args: [wanted],
    })
    return wanted
  }

  /** What stays must be nothing or the minimum. @see contracts.md section 1.3, `refund` */
  async #assertNoDust(remaining: bigint): Promise<void> {
    if (remaining === 0n) return
    const { deposit: minimum } = await readMinimums(this.#session.ledger)
    if (remaining < minimum) throw leavesDust(remaining, minimum)
  }

  /** What is on its way, and when the last of it can be collected. */
  async #pending(): Promise<{ pending: bigint; unlocksAt: number | null }> {
    const refunds = (await this.#accounts()).flatMap(({ refunds, service }) =>
      refunds
        .filter(({ amount }) => amount > 0n)
        .map(({ amount, createdAt }) => ({ amount, unlocksAt: createdAt + service.lockTimeSeconds })),
    )
    return {
      pending: refunds.reduce((sum, { amount }) => sum + amount, 0n),
      unlocksAt: refunds.length > 0 ? Math.max(...refunds.map(({ unlocksAt }) => unlocksAt)) : null,
    }
  }

  async #accounts(): Promise<SubAccount[]> {
    const { ledger } = this.#session
    if (!(await this.#ledger())) return []
    return listSubAccounts(ledger, this.#services, requireAccount(this.#session).address)
  }

  #ledger() {
    return findLedger(this.#session.ledger, requireAccount(this.#session).address)
  }

  async #send(call: TransactionCall): Promise<TransactionReceipt> {
    this.#hooks.signal?.throwIfAborted()
    const signer: Signer = await requireAccount(this.#session).signer(this.#session.rpc)
    const prepared = await prepare(signer, { ...call, contract: call.contract.connect(signer) as Contract })
    this.#hooks.onTransaction?.(prepared)
    const receipt = await send(signer, prepared)
    this.#hooks.onMined?.(call.title, receipt)
    this.#transactions.push({ title: call.title, txHash: receipt.hash, gasCost: receipt.fee })
    return receipt
  }
}

/** Whether a call for this account collects or requests something, and cannot be refused. */
function hasWork({ balance, pendingRefund, refunds, service }: SubAccount, now: number): boolean {
  const collectable = refunds.filter(({ createdAt }) => createdAt + service.lockTimeSeconds <= now).length
  const requestable = balance > pendingRefund
  if (requestable && refunds.length - collectable >= MAX_REFUNDS) return false
  return requestable || collectable > 0
}

const nothingToWithdraw = (): AppError =>
  new AppError({
    code: 'nothing_to_withdraw',
    message: 'There is nothing to withdraw',
    hint: 'The ledger is empty',
    next: '0g-compute fund status',
  })

const tooMuch = (amount: bigint, total: bigint): AppError =>
  new AppError({
    code: 'withdraw_too_much',
    message: `${format0G(amount)} 0G cannot be withdrawn, ${format0G(total)} 0G are deposited`,
    hint: 'Nothing was sent',
    next: '0g-compute fund withdraw --all',
    exitCode: EXIT.noFunds,
    details: { amount: amount.toString(), deposited: total.toString() },
  })

const leavesDust = (remaining: bigint, minimum: bigint): AppError =>
  new AppError({
    code: 'withdraw_leaves_dust',
    message: `${format0G(remaining)} 0G would stay in the ledger, which must keep nothing or at least ${format0G(minimum)} 0G`,
    hint: 'Withdraw less, or everything',
    next: '0g-compute fund withdraw --all',
    exitCode: EXIT.usage,
    details: { remaining: remaining.toString(), minimum: minimum.toString() },
  })
