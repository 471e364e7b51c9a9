import type { Contract, TransactionReceipt } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { findLedger, type LedgerRecord, readMinimums } from '../../chain/ledger.ts'
import {
  listServingContracts,
  listSubAccounts,
  type ServingContract,
  type SubAccount,
} from '../../chain/subAccounts.ts'
import { prepare, send, type TransactionCall } from '../../chain/transaction.ts'
import { requireAccount, type Session } from '../session.ts'
import type { WithdrawHooks, WithdrawResult } from './withdraw.ts'

/** The ledger takes at most this many providers in one call. @see contracts.md section 1.3 */
const PROVIDERS_PER_CALL = 20
const POLL_MS = 1000

/** The steps on the way from providers to the wallet. */
export class WayBack {
  readonly transactions: WithdrawResult['transactions'][number][] = []
  readonly #session: Session
  readonly #services: readonly ServingContract[]
  readonly #hooks: WithdrawHooks

  private constructor(session: Session, services: readonly ServingContract[], hooks: WithdrawHooks) {
    this.#session = session
    this.#services = services
    this.#hooks = hooks
  }

  static async open(session: Session, hooks: WithdrawHooks): Promise<WayBack> {
    const { network, ledger, rpc } = session
    return new WayBack(session, await listServingContracts(network, ledger, rpc), hooks)
  }

  ledger(): Promise<LedgerRecord | null> {
    return findLedger(this.#session.ledger, requireAccount(this.#session).address)
  }

  async accounts(): Promise<SubAccount[]> {
    if (!(await this.ledger())) return []
    return listSubAccounts(this.#session.ledger, this.#services, requireAccount(this.#session).address)
  }

  /** Unix seconds of the chain. */
  now(): Promise<number> {
    return chainTimeSeconds(this.#session.rpc)
  }

  /** Collects what has matured at these providers and asks for all the rest. */
  async retrieve(accounts: readonly SubAccount[]): Promise<void> {
    for (const service of this.#services) {
      const providers = accounts
        .filter((account) => account.service.name === service.name)
        .map(({ provider }) => provider)
      for (let i = 0; i < providers.length; i += PROVIDERS_PER_CALL) {
        const some = providers.slice(i, i + PROVIDERS_PER_CALL)
        const title = `ask ${some.length} provider${some.length > 1 ? 's' : ''} of ${service.name} for the money back`
        await this.send({ title, method: 'retrieveFund', args: [some, service.name] })
      }
    }
  }

  /** Sleeps until chain's time has come, unless that is too long. @param unlocksAt asked for again and again */
  async waitUntil(unlocksAt: () => Promise<number | null>, maxWaitSeconds: number): Promise<void> {
    const { runtime } = this.#session
    const started = runtime.now()
    for (;;) {
      const until = await unlocksAt()
      if (until === null) return
      const left = until - (await this.now())
      const waited = (runtime.now() - started) / 1000
      if (left <= 0 || left > maxWaitSeconds - waited) return
      this.#hooks.onWait?.(left)
      await runtime.sleep(Math.min(POLL_MS, left * 1000), this.#hooks.signal)
    }
  }

  /** From the ledger to the wallet. @throws AppError `withdraw_leaves_dust` */
  async withdraw(amount: bigint, { available }: LedgerRecord): Promise<void> {
    await this.assertNoDust(amount, available - amount)
    const title = `withdraw ${format0G(amount)} 0G to the wallet`
    await this.send({ title, method: 'refund', args: [amount] })
  }

  /** What stays must be nothing or the minimum. @see contracts.md section 1.3, `refund` */
  async assertNoDust(amount: bigint, remaining: bigint): Promise<void> {
    if (remaining === 0n) return
    const { deposit: minimum } = await readMinimums(this.#session.ledger)
    if (remaining < minimum) throw leavesDust(amount, remaining, minimum)
  }

  /** Calls the ledger. @param finishes what was begun, also where the caller wants to end */
  async send(call: Omit<TransactionCall, 'contract'>, finishes = false): Promise<TransactionReceipt> {
    if (!finishes) this.#hooks.signal?.throwIfAborted()
    const { rpc, ledger } = this.#session
    const signer = await requireAccount(this.#session).signer(rpc)
    const prepared = await prepare(signer, { ...call, contract: ledger.connect(signer) as Contract })
    this.#hooks.onTransaction?.(prepared)
    const receipt = await send(signer, prepared)
    this.#hooks.onMined?.(call.title, receipt)
    this.transactions.push({ title: call.title, txHash: receipt.hash, gasCost: receipt.fee })
    return receipt
  }
}

const leavesDust = (amount: bigint, remaining: bigint, minimum: bigint): AppError =>
  new AppError({
    code: 'withdraw_leaves_dust',
    message: `${format0G(remaining)} 0G would stay in the ledger, which must keep nothing or at least ${format0G(minimum)} 0G`,
    hint: `Nothing was sent. Withdraw less, or ${format0G(amount + remaining)} 0G`,
    next: `0g-compute fund withdraw ${format0G(amount + remaining)}`,
    exitCode: EXIT.usage,
    details: { remaining: remaining.toString(), minimum: minimum.toString() },
  })
