import { setTimeout as sleep } from 'node:timers/promises'
import { parseReceiptDetail } from '../../attestation/receiptDetail.ts'
import { AppError, toAppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { hasBatches, readEpoch } from '../../chain/batches.ts'
import { epochOfNumber } from '../../protocol/batch.ts'
import { sha256Text } from '../../protocol/canonical.ts'
import { recoverReceipt, type SignedReceipt } from '../../protocol/receipt.ts'
import { Deadline } from './deadline.ts'
import { type EnterEpochOptions, enterEpoch, leaveEpochOf } from './enterEpoch.ts'
import { assertCurrentEpoch } from './epoch.ts'

/** For one try. */
const OPEN_MS = 10 * 60 * 1000
const RETRY_MS = 2000
/** Looks whether the chain has passed this ledger, in polls of the chain. */
const LOOK_POLLS = 5
/** Passed again within this, another broker does the same: then this one waits, so that gas is spent rarely. */
const CALM_MS = 10 * 60 * 1000

/**
 * Keeps a broker from putting one number on two receipts: when it starts, when a user knows more than it, and when the
 * chain has passed its epoch.
 */
export class Epochs {
  readonly #options: EnterEpochOptions
  readonly #cut = new AbortController()
  #opening: Promise<void> | null = null
  /** Of the opening under way. */
  #deadline: Deadline | null = null
  #isStopped = false
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> = Promise.resolve()
  /** Whose numbers this process gives out. */
  #served: number | null = null
  #overtookAt = Number.NEGATIVE_INFINITY

  constructor(options: EnterEpochOptions) {
    this.#options = options
  }

  /** To be awaited before anything is charged. @see enterEpoch and assertCurrentEpoch */
  async enter(): Promise<void> {
    const byBatches = await hasBatches(this.#options.contract)
    await (byBatches ? enterEpoch(this.#options) : assertCurrentEpoch(this.#options))
    await this.#noteServed()
  }

  /**
   * Looks at the chain from now on. Where another broker of this provider, or its owner, opened a later epoch, or
   * another replica enters one, this process serves nothing more before the ledger's epoch is the chain's again.
   */
  watch(): void {
    if (this.#served === null || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.watch())
    }, LOOK_POLLS * this.#options.pollMs)
    this.#timer.unref()
  }

  /** Whether nothing may be charged now. */
  get isOpening(): boolean {
    return this.#opening !== null
  }

  /** @throws AppError `epoch_opening` while an epoch is not final on chain */
  assertOpen(): void {
    if (this.#opening) throw epochOpening()
  }

  /**
   * A user shows a receipt. One that this enclave signed and the ledger does not know ends the epoch: others of its
   * numbers may be forgotten too. What it says was charged is owed, so that no later receipt says less.
   * @returns whether the ledger knows it
   * @throws AppError `receipt_foreign` for what this enclave did not sign for this user
   */
  async show(signed: SignedReceipt, user: Address): Promise<boolean> {
    const { ledger, contract, log } = this.#options
    const { seq, cumulative } = signed.receipt
    const detail = parseReceiptDetail(signed.detail)
    if (!detail || !this.#isOurs(signed, user)) throw receiptForeign()
    if (await ledger.receipt(detail.id)) return true
    if (!(await hasBatches(contract))) return false
    await ledger.batches.raise(user, cumulative)
    const mark = await ledger.numbers.epoch()
    log.error('receipt_forgotten', { user, number: seq })
    if (mark && epochOfNumber(seq) >= mark.epoch) this.#begin((options) => leaveEpochOf(seq, options))
    return false
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#deadline?.bringForward(Date.now())
    this.#cut.abort()
    await Promise.all([this.#opening, this.#looking])
  }

  #isOurs(signed: SignedReceipt, user: Address): boolean {
    const { provider, signer, chainId, contract } = this.#options
    const { receipt, detail } = signed
    return (
      signed.chainId === chainId &&
      sameAddress(signed.contract, String(contract.target)) &&
      sameAddress(receipt.provider, provider) &&
      sameAddress(receipt.user, user) &&
      sha256Text(detail) === receipt.detail &&
      sameAddress(recoverReceipt(signed) ?? '', signer)
    )
  }

  async #look(): Promise<void> {
    const { ledger, contract, provider, log } = this.#options
    try {
      const mark = await ledger.numbers.epoch()
      const open = await readEpoch(contract, provider)
      if (!mark || this.#opening) return
      if (open > mark.epoch) {
        log.error('epoch_passed', { epoch: mark.epoch, open })
        this.#begin((options) => this.#overtake(options), this.#overtookAt + CALM_MS)
      } else if (mark.epoch !== this.#served) this.#begin(enterEpoch)
    } catch (thrown) {
      log.warn('epoch_unknown', { code: toAppError(thrown).code })
    }
  }

  /** What two brokers with ledgers of their own would do to each other without end is done every ten minutes. */
  async #overtake(options: EnterEpochOptions): Promise<void> {
    await enterEpoch(options)
    this.#overtookAt = Date.now()
  }

  /** @param notBefore ms: until then it waits, and serves nothing */
  #begin(open: (options: EnterEpochOptions) => Promise<void>, notBefore = 0): void {
    this.#opening ??= this.#open(open, notBefore)
  }

  /** Until it is final nothing new is served. */
  async #open(open: (options: EnterEpochOptions) => Promise<void>, notBefore: number): Promise<void> {
    await this.#pause(notBefore - Date.now())
    while (!this.#isStopped) {
      try {
        this.#deadline = new Deadline(Date.now() + OPEN_MS)
        await open({ ...this.#options, newEpoch: false, deadline: this.#deadline })
        await this.#noteServed()
        break
      } catch (thrown) {
        const { code, message } = toAppError(thrown)
        this.#options.log.error('epoch_failed', { code, reason: message })
        await this.#pause(RETRY_MS)
      }
    }
    this.#opening = null
  }

  async #noteServed(): Promise<void> {
    this.#served = (await this.#options.ledger.numbers.epoch())?.epoch ?? null
  }

  #pause = (ms: number): Promise<void> =>
    sleep(Math.max(0, ms), undefined, { signal: this.#cut.signal }).catch(() => {})
}

const epochOpening = (): AppError =>
  new AppError({
    code: 'epoch_opening',
    message: 'This provider is opening a new epoch of receipt numbers on chain',
    hint: 'Nothing was charged. It serves again once the chain has it, in about a minute',
    next: '0g-compute provider list',
    retryable: true,
    status: 503,
  })

const receiptForeign = (): AppError =>
  new AppError({
    code: 'receipt_foreign',
    message: 'This provider did not sign this receipt for this user',
    hint: 'Show a receipt of this provider, as it was issued',
    status: 400,
  })
