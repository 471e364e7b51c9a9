import { setTimeout as sleep } from 'node:timers/promises'
import { parseReceiptDetail } from '../../attestation/receiptDetail.ts'
import { AppError, toAppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { hasBatches } from '../../chain/batches.ts'
import { epochOfNumber } from '../../protocol/batch.ts'
import { sha256Text } from '../../protocol/canonical.ts'
import { recoverReceipt, type SignedReceipt } from '../../protocol/receipt.ts'
import { Deadline } from './deadline.ts'
import { type EnterEpochOptions, enterEpoch, leaveEpochOf } from './enterEpoch.ts'
import { assertCurrentEpoch } from './epoch.ts'

/** For one try. */
const OPEN_MS = 10 * 60 * 1000
const RETRY_MS = 2000

/** Keeps a broker from putting one number on two receipts: when it starts, and when a user knows more than it. */
export class Epochs {
  readonly #options: EnterEpochOptions
  #opening: Promise<void> | null = null
  /** Of the opening under way. */
  #deadline: Deadline | null = null
  #isStopped = false

  constructor(options: EnterEpochOptions) {
    this.#options = options
  }

  /** To be awaited before anything is charged. @see enterEpoch and assertCurrentEpoch */
  async enter(): Promise<void> {
    const byBatches = await hasBatches(this.#options.contract)
    await (byBatches ? enterEpoch(this.#options) : assertCurrentEpoch(this.#options))
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
    if (mark && epochOfNumber(seq) >= mark.epoch) this.#opening ??= this.#open(seq)
    return false
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#deadline?.bringForward(Date.now())
    await this.#opening
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

  /** Until it is final nothing new is served. */
  async #open(seq: number): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.#deadline = new Deadline(Date.now() + OPEN_MS)
        await leaveEpochOf(seq, { ...this.#options, deadline: this.#deadline })
        break
      } catch (thrown) {
        const { code, message } = toAppError(thrown)
        this.#options.log.error('epoch_failed', { code, reason: message })
        await sleep(RETRY_MS)
      }
    }
    this.#opening = null
  }
}

const epochOpening = (): AppError =>
  new AppError({
    code: 'epoch_opening',
    message: 'This provider is opening a new epoch on chain, since its ledger has forgotten receipts',
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
