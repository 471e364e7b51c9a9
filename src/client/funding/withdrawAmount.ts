import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { findFineTuningService } from '../../chain/fineTuning.ts'
import { findService } from '../../chain/inference.ts'
import type { SubAccount } from '../../chain/subAccounts.ts'
import { freeOf, planRecall, type Recall, refundsUnderWay } from './planRecall.ts'
import type { WayBack } from './wayBack.ts'
import type { AskedBack, WithdrawOptions } from './withdraw.ts'

/** What an amount needs beside the way back. */
export interface AmountOptions extends WithdrawOptions {
  readonly amount: bigint
  /** Whether providers can be asked for a part of what lies there. @see ILedgerAdditions.sol */
  readonly asksForParts: boolean
  readonly onRecall?: ((asked: readonly AskedBack[]) => Promise<void> | void) | undefined
}

/** Brings an amount back, and asks providers for no more than the ledger lacks. */
export class AmountWithdrawal {
  readonly #way: WayBack
  readonly #options: AmountOptions

  constructor(way: WayBack, options: AmountOptions) {
    this.#way = way
    this.#options = options
  }

  /**
   * Nothing leaves the ledger before all of it is there, so that it may be asked for again in the same words.
   * @returns neuron that came to the wallet: all or nothing
   * @throws AppError `withdraw_too_much`, `withdraw_leaves_dust`, those of transactions
   */
  async run(): Promise<bigint> {
    const { amount, maxWaitSeconds } = this.#options
    if ((await this.#short()) > 0n) {
      await this.#askFor(await this.#plan())
      await this.#way.waitUntil(() => this.unlocksAt(), maxWaitSeconds)
      await this.#collect()
    }
    const ledger = await this.#way.ledger()
    if (!ledger || ledger.available < amount) return 0n
    await this.#way.withdraw(amount, ledger)
    return amount
  }

  /** When enough of what is on its way can be collected, unix seconds of the chain; null where it never is. */
  async unlocksAt(): Promise<number | null> {
    let short = await this.#short()
    for (const { amount, unlocksAt } of refundsUnderWay(await this.#way.accounts())) {
      short -= amount
      if (short <= 0n) return unlocksAt
    }
    return null
  }

  /** Neuron that the ledger lacks. */
  async #short(): Promise<bigint> {
    return this.#options.amount - ((await this.#way.ledger())?.available ?? 0n)
  }

  async #plan(): Promise<readonly Recall[]> {
    const { amount } = this.#options
    const accounts = await this.#way.accounts()
    const left = await Promise.all(accounts.map(isGone))
    const { recalls, surplus, missing } = planRecall(
      accounts,
      await this.#short(),
      await this.#way.now(),
      (account) => left[accounts.indexOf(account)]!,
    )
    if (missing > 0n) throw tooMuch(amount, amount - missing)
    await this.#way.assertNoDust(amount, surplus)
    return recalls
  }

  async #askFor(recalls: readonly Recall[]): Promise<void> {
    const asked = recalls
      .filter(({ amount }) => amount > 0n)
      .map(({ account: { provider, service }, amount }) => ({
        provider,
        service: service.name,
        amount,
        lockSeconds: service.lockTimeSeconds,
      }))
    if (asked.length > 0) await this.#options.onRecall?.(asked)
    const isPart = ({ account, amount }: Recall) =>
      this.#options.asksForParts && amount > 0n && account.refunds.length === 0
    for (const recall of recalls.filter(isPart)) await this.#askForPart(recall)
    await this.#retrieve(recalls.filter((recall) => !isPart(recall)))
  }

  /** What has matured since it was asked for. */
  async #collect(): Promise<void> {
    const short = await this.#short()
    if (short <= 0n) return
    const { recalls } = planRecall(await this.#way.accounts(), short, await this.#way.now())
    await this.#retrieve(recalls.filter(({ amount }) => amount === 0n))
  }

  async #askForPart({ account: { provider, service }, amount }: Recall): Promise<void> {
    const title = `ask ${provider} for ${format0G(amount)} 0G back`
    await this.#way.send({
      title,
      method: 'requestRefund',
      args: [String(service.contract.target), provider, amount],
    })
  }

  /** A call collects what has matured, and asks for all the rest: what is not wanted stays after all. */
  async #retrieve(recalls: readonly Recall[]): Promise<void> {
    if (recalls.length === 0) return
    const now = await this.#way.now()
    await this.#way.retrieve(recalls.map(({ account }) => account))
    const after = await this.#way.accounts()
    for (const { account, amount } of recalls) {
      if (freeOf(account) === amount) continue
      const found = after.find(
        ({ provider, service }) => provider === account.provider && service.name === account.service.name,
      )
      const asked = found?.refunds.at(-1)
      if (asked && asked.createdAt >= now && asked.amount > amount)
        await this.#leaveThere(account, asked.amount - amount)
    }
  }

  /** A transfer takes back what was asked for, before it moves anything. @see contracts.md section 3, step 2 */
  async #leaveThere({ provider, service }: SubAccount, amount: bigint): Promise<void> {
    const title = `leave ${format0G(amount)} 0G at ${provider}`
    await this.#way.send({ title, method: 'transferFund', args: [provider, service.name, amount] }, true)
  }
}

/** Whether a provider sells nothing any more: nobody misses the money there. */
async function isGone({ service: { kind, contract }, provider }: SubAccount): Promise<boolean> {
  const find = kind === 'inference' ? findService : findFineTuningService
  return (await find(contract, provider)) === null
}

export const tooMuch = (amount: bigint, most: bigint): AppError =>
  new AppError({
    code: 'withdraw_too_much',
    message: `${format0G(amount)} 0G cannot be withdrawn, at most ${format0G(most)} 0G can`,
    hint: 'Nothing was sent',
    next: '0g-compute fund status',
    exitCode: EXIT.noFunds,
    details: { amount: amount.toString(), most: most.toString() },
  })
