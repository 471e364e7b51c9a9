import { createHmac } from 'node:crypto'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { ReceiptDetail } from '../../protocol/receipt.ts'
import type { PrivateKey } from '../../protocol/signature.ts'
import { REQUEST_WINDOW_SECONDS } from '../../protocol/signedRequest.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { OneOf } from './limits/sharedRound.ts'
import { replayed } from './requestSignatures.ts'
import { SharedSink } from './sharedSink.ts'

/** As other services that take idempotency keys: up to 255 printable characters. */
const KEY = /^[\x21-\x7e]{1,255}$/

/** After this long no request is taken any more that an earlier process may have answered, ms. */
const YOUNG_MS = 2 * REQUEST_WINDOW_SECONDS * 1000

interface Running {
  readonly endpoint: string
  readonly requestHash: string
  readonly sink: SharedSink
}

export interface OnceRequest {
  readonly user: Address
  /** Value of the header `Idempotency-Key`. */
  readonly key: string
  readonly endpoint: string
  readonly requestHash: string
}

/**
 * Requests with an idempotency key: each is answered and charged once. The exchange's id is derived from user and
 * key, so that the ledger knows a repeated one after a restart and in every replica, without a table of its own.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export class Once {
  readonly #secret: PrivateKey
  readonly #ledger: Ledger
  readonly #running = new Map<string, Running>()
  readonly #startedAt = performance.now()

  /** @param secret the enclave's key: an id must not be guessed from a key */
  constructor(secret: PrivateKey, ledger: Ledger) {
    this.#secret = secret
    this.#ledger = ledger
  }

  /** The exchange of a key. @throws AppError `header_invalid` (400) */
  idOf({ user, key }: OnceRequest): string {
    if (!KEY.test(key)) throw invalid()
    return this.#id(`0g-compute idempotency key\n${user.toLowerCase()}\n${key}`)
  }

  /** The exchange of a signed request without a key. @param nonce with the session key that used it */
  idOfNonce(user: Address, nonce: string): string {
    return this.#id(`0g-compute request nonce\n${user.toLowerCase()}\n${nonce.toLowerCase()}`)
  }

  #id(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex').slice(0, 32)
  }

  /** The running answer to join, or null. @throws AppError `idempotency_key_reused` (422), `idempotency_key_running` (409) */
  running(id: string, { endpoint, requestHash }: OnceRequest): SharedSink | null {
    const running = this.#running.get(id)
    if (!running) return null
    if (running.endpoint !== endpoint || running.requestHash !== requestHash) throw reused()
    if (!running.sink.canJoin) throw stillRunning()
    return running.sink
  }

  /** Registers a new answer until `done` is called. */
  begin(id: string, request: OnceRequest, writeTimeoutMs: number): { sink: SharedSink; done(): void } {
    const sink = new SharedSink(writeTimeoutMs)
    this.#running.set(id, { endpoint: request.endpoint, requestHash: request.requestHash, sink })
    return { sink, done: () => void this.#running.delete(id) }
  }

  /** Ends what runs: no caller can come back for it any more. */
  giveUp(): void {
    for (const { sink } of this.#running.values()) sink.giveUp()
  }

  /** What other replicas are told meanwhile. */
  oneOf = (id: string, hasKey: boolean): OneOf => ({ id, refusal: hasKey ? stillRunning : replayed })

  /**
   * Who sends a request to one replica after another, or again after a restart, would have its answer for nothing. To
   * be called once no other replica can begin it.
   * @param isShared whether other replicas may have answered it
   * @throws AppError `idempotency_key_done` (409), `request_replayed` (401)
   */
  async assertUnanswered(id: string, hasKey: boolean, isShared: boolean): Promise<void> {
    if (!isShared && (hasKey || performance.now() - this.#startedAt > YOUNG_MS)) return
    if (await this.#ledger.receipt(id)) throw hasKey ? answered(id) : replayed()
  }

  /** @throws AppError `idempotency_key_done` (409), `idempotency_key_reused` (422) when the ledger has an answer */
  async assertNew(id: string, { endpoint, requestHash }: OnceRequest): Promise<void> {
    const signed = await this.#ledger.receipt(id)
    if (!signed) return
    const detail = JSON.parse(signed.detail) as ReceiptDetail
    throw detail.endpoint === endpoint && detail.requestHash === requestHash ? answered(id) : reused()
  }
}

const answered = (id: string): AppError =>
  new AppError({
    code: 'idempotency_key_done',
    message: `The request with this Idempotency-Key was answered and charged; its receipt is ${id}`,
    hint: 'Answers are not kept. Fetch the receipt, or send a new key for a new answer',
    next: `0g-compute receipts show ${id}`,
    status: 409,
    details: { receipt: id },
  })

const reused = (): AppError =>
  new AppError({
    code: 'idempotency_key_reused',
    message: 'This Idempotency-Key belongs to another request',
    hint: 'Nothing was charged. Use a new key for each new request',
    status: 422,
  })

const stillRunning = (): AppError =>
  new AppError({
    code: 'idempotency_key_running',
    message: 'The request with this Idempotency-Key is running, and too long to be sent again from its start',
    hint: 'Wait for it to end; its receipt then shows what was charged',
    retryable: true,
    status: 409,
  })

const invalid = (): AppError =>
  new AppError({
    code: 'header_invalid',
    message: 'Idempotency-Key is not 1 to 255 printable characters',
    status: 400,
  })
