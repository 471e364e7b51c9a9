import { type Contract, getAddress, type TransactionReceipt } from 'ethers'
import { smaller } from '../../base/bigint.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import {
  claimEventsIn,
  collectCall,
  disputeCall,
  findStakes,
  readStake,
  resolveCall,
  type StakeState,
  settledByBatches,
  signerVersion,
} from '../../chain/stakes.ts'
import { type PreparedTransaction, prepare, send, type TransactionCall } from '../../chain/transaction.ts'
import { requireAccount, type Session } from '../session.ts'
import type { Contradiction } from './contradiction.ts'

/** What a claim would bring, if nobody else claims in its window. Neuron; times in unix seconds. */
export interface DisputeOutlook {
  readonly stake: bigint
  readonly windowSeconds: number
  /** What the settlement took beyond the receipt. */
  readonly overcharge: bigint
  /** By payer. The sender of a claim gets back what was taken from it, and no bounty. */
  readonly expected: readonly { readonly user: Address; readonly amount: bigint }[]
}

export interface DisputeOptions {
  /** Wait for the end of the window and collect. */
  readonly wait?: boolean
}

export interface DisputeHooks {
  /** Asked before each transaction; without it nothing is sent. The outlook says what the dispute is for. */
  readonly approve?: (transaction: PreparedTransaction, outlook: DisputeOutlook) => Promise<boolean> | boolean
  readonly onTransaction?: (prepared: PreparedTransaction) => void
  readonly onWait?: (seconds: number) => void
  readonly signal?: AbortSignal
}

export interface DisputeResult {
  /** `claimed`: the stake is frozen until `windowEndsAt`, then it pays. `paid`: over. */
  readonly state: 'claimed' | 'paid'
  readonly outlook: DisputeOutlook
  /** Unix seconds; 0 once resolved. */
  readonly windowEndsAt: number
  readonly collected: readonly { readonly user: Address; readonly amount: bigint }[]
  readonly burned: bigint
  readonly transactions: readonly { readonly title: string; readonly txHash: string }[]
}

/** @see Stakes.sol: OVERCHARGE_PERCENT, BOUNTY_PERCENT */
const OVERCHARGE_PERCENT = 50n
const BOUNTY_PERCENT = 5n
/** Between looks at the chain's time, at most. */
const POLL_MS = 30_000
/** Why the contract takes no claim any more. */
const REFUSALS: Readonly<Record<string, string>> = {
  AlreadyClaimed: 'as much was claimed for this account against this signer before',
  SignerEndedBefore: 'an earlier window ended this signer',
  NoStake: 'no stake is left',
}

/**
 * Brings a contradiction to the chain: claims on the stake, and when the window is over ends it and collects. May be
 * called again at any time; it goes on from where the chain stands.
 */
export class Dispute {
  readonly #session: Session
  readonly #contradiction: Contradiction
  readonly #hooks: DisputeHooks
  readonly #transactions: { title: string; txHash: string }[] = []
  readonly #collected: { user: Address; amount: bigint }[] = []
  #burned = 0n
  #outlook: DisputeOutlook | undefined

  constructor(session: Session, contradiction: Contradiction, hooks: DisputeHooks = {}) {
    this.#session = session
    this.#contradiction = contradiction
    this.#hooks = hooks
  }

  /**
   * @throws AppError `disputes_unsupported` (exit 20), `dispute_unfounded`, `dispute_spent`, `dispute_declined`,
   * `insufficient_funds`, `transaction_reverted`
   */
  async run({ wait = false }: DisputeOptions = {}): Promise<DisputeResult> {
    const stakes = await this.#stakes()
    const outlook = await this.#readOutlook(stakes)
    this.#outlook = outlook
    const before = await this.#stake(stakes)
    if (before.windowEndsAt !== 0 && (await this.#isOver(before))) await this.#resolve(stakes)
    const refusal = await this.#claim(stakes)
    const open = await this.#stake(stakes)
    if (open.windowEndsAt !== 0) {
      if (!wait && !(await this.#isOver(open))) return this.#result('claimed', outlook, open)
      await this.#waitForEnd(open)
      await this.#resolve(stakes)
    }
    await this.#collect(stakes)
    if (refusal !== null && this.#transactions.length === 0) throw spent(refusal)
    return this.#result('paid', outlook, await this.#stake(stakes))
  }

  async #readOutlook(stakes: Contract): Promise<DisputeOutlook> {
    const { amount: stake, windowSeconds } = await this.#stake(stakes)
    const overcharge = await this.#overcharge()
    const sender = requireAccount(this.#session).address
    const payers = this.#payers()
    const others = payers.filter((user) => !sameAddress(user, sender))
    const back = smaller(overcharge, (stake * OVERCHARGE_PERCENT) / 100n)
    const share = others.length > 0 ? (stake * BOUNTY_PERCENT) / 100n / BigInt(others.length) : 0n
    const expected = payers.map((user) => ({ user, amount: back + (others.includes(user) ? share : 0n) }))
    return { stake, windowSeconds, overcharge, expected }
  }

  /** Neuron that was settled beyond the receipt; 0 where two receipts prove it. @throws AppError `dispute_unfounded` */
  async #overcharge(): Promise<bigint> {
    const { kind, receipts, provider, signer } = this.#contradiction
    const { inference } = this.#session
    const version = await signerVersion(inference, provider, signer)
    if (version === 0) throw unfounded(`${signer} never was a signer of ${provider}`)
    if (kind === 'receipts') return 0n
    const { user, seq, cumulative } = receipts[0]!.receipt
    const settled = await settledByBatches(inference, user, provider)
    if (!settled || settled.version !== version || seq <= settled.upTo || cumulative >= settled.settled)
      throw unfounded('the settlement on chain does not contradict the receipt')
    return settled.settled - cumulative
  }

  /** @returns why no claim can be made any more, or null */
  async #claim(stakes: Contract): Promise<string | null> {
    const { receipts } = this.#contradiction
    const call = disputeCall(stakes, this.#session.network.inference, receipts)
    const prepared = await this.#prepare(call, Object.keys(REFUSALS))
    if (typeof prepared === 'string') return REFUSALS[prepared]!
    await this.#send(prepared)
    return null
  }

  async #resolve(stakes: Contract): Promise<void> {
    const { provider } = this.#contradiction
    const call = resolveCall(stakes, this.#session.network.inference, provider)
    const prepared = await this.#prepare(call, ['NoStake'])
    if (typeof prepared === 'string') return
    const receipt = await this.#send(prepared)
    this.#burned += claimEventsIn(stakes, provider, receipt).burned
  }

  /** Whatever windows gave to the payers and still lies there. */
  async #collect(stakes: Contract): Promise<void> {
    const { provider } = this.#contradiction
    const { inference } = this.#session.network
    const { window } = await this.#stake(stakes)
    for (const user of this.#payers()) {
      for (let number = window; number > 0; number--) {
        const call = collectCall(stakes, inference, provider, number, user)
        const prepared = await this.#prepare(call, ['NothingToCollect', 'WindowNotOver'])
        if (typeof prepared === 'string') continue
        const receipt = await this.#send(prepared)
        const { collected } = claimEventsIn(stakes, provider, receipt)
        this.#collected.push(...collected.map(({ amount }) => ({ user, amount })))
      }
    }
  }

  async #waitForEnd(state: StakeState): Promise<void> {
    while (!(await this.#isOver(state))) {
      const left = state.windowEndsAt - (await chainTimeSeconds(this.#session.rpc))
      const seconds = Math.max(1, left)
      this.#hooks.onWait?.(seconds)
      await this.#session.runtime.sleep(Math.min(seconds * 1000, POLL_MS), this.#hooks.signal)
    }
  }

  async #isOver({ windowEndsAt }: StakeState): Promise<boolean> {
    return (await chainTimeSeconds(this.#session.rpc)) > windowEndsAt
  }

  #stake(stakes: Contract): Promise<StakeState> {
    return readStake(stakes, this.#session.network.inference, this.#contradiction.provider)
  }

  /** Each payer that a receipt names, once. */
  #payers(): Address[] {
    return [
      ...new Set(this.#contradiction.receipts.map(({ receipt }) => getAddress(receipt.user) as Address)),
    ]
  }

  /** @returns the contract's error where it is one of these: that part is done, by whomever */
  async #prepare(call: TransactionCall, done: readonly string[]): Promise<PreparedTransaction | string> {
    try {
      return await prepare(await this.#signer(), call)
    } catch (error) {
      const name = error instanceof AppError ? String(error.details?.error) : ''
      if (done.includes(name)) return name
      throw error
    }
  }

  async #send(prepared: PreparedTransaction): Promise<TransactionReceipt> {
    if (!(await this.#hooks.approve?.(prepared, this.#outlook!))) throw declined(prepared.title)
    this.#hooks.onTransaction?.(prepared)
    const receipt = await send(await this.#signer(), prepared)
    this.#transactions.push({ title: prepared.title, txHash: receipt.hash })
    return receipt
  }

  #signer() {
    return requireAccount(this.#session).signer(this.#session.rpc)
  }

  async #stakes(): Promise<Contract> {
    const { inference, rpc } = this.#session
    const stakes = await findStakes(inference, rpc)
    if (!stakes) throw unsupported()
    return stakes
  }

  #result(
    state: DisputeResult['state'],
    outlook: DisputeOutlook,
    { windowEndsAt }: StakeState,
  ): DisputeResult {
    return {
      state,
      outlook,
      windowEndsAt,
      collected: this.#collected,
      burned: this.#burned,
      transactions: this.#transactions,
    }
  }
}

const unfounded = (why: string): AppError =>
  new AppError({
    code: 'dispute_unfounded',
    message: `The contract would refuse this: ${why}`,
    hint: 'Two different receipts of one number by one signer prove a contradiction, or a settlement above a later receipt',
    next: '0g-compute receipts audit',
  })

const spent = (why: string): AppError =>
  new AppError({
    code: 'dispute_spent',
    message: `Nothing can be claimed any more: ${why}`,
    hint: 'Nothing was sent. The signer is ended either way, and signs no settlement any more',
    next: '0g-compute fund status',
  })

const declined = (title: string): AppError =>
  new AppError({
    code: 'dispute_declined',
    message: `"${title}" was not sent: nobody approved it`,
    hint: 'The file stays good for as long as the stake lies there',
    exitCode: EXIT.usage,
  })

const unsupported = (): AppError =>
  new AppError({
    code: 'disputes_unsupported',
    message: 'The contracts of this network know no disputes',
    hint: 'The receipts still prove what was signed, to anybody who reads them',
    exitCode: EXIT.unsupported,
  })
