import { type Contract, isError, type Signer } from 'ethers'
import { AppError } from '../../../base/errors.ts'
import type { Hex } from '../../../base/hex.ts'
import type { Logger } from '../../../base/log.ts'
import { prepare, send } from '../../../chain/transaction.ts'

/** Sends the transactions of tasks, one after another: the settlements of inference use the same account. */
export class TaskSender {
  readonly #contract: Contract
  readonly #operator: Signer
  readonly #log: Logger
  #last: Promise<unknown> = Promise.resolve()

  constructor(contract: Contract, operator: Signer, log: Logger) {
    this.#contract = contract.connect(operator) as Contract
    this.#operator = operator
    this.#log = log
  }

  /**
   * @param title for people, e.g. `deliver a model`
   * @throws AppError `transaction_reverted` with the contract's error in `details.error`, `insufficient_funds`,
   * `transaction_unknown`, `nonce_taken`; all but the first are worth another look
   */
  send(title: string, method: string, args: readonly unknown[]): Promise<Hex> {
    const sent = this.#last.then(() => this.#send(title, method, args))
    this.#last = sent.catch(() => undefined)
    return sent
  }

  async #send(title: string, method: string, args: readonly unknown[]): Promise<Hex> {
    try {
      const prepared = await prepare(this.#operator, { title, contract: this.#contract, method, args })
      const { hash } = await send(this.#operator, prepared)
      this.#log.info('task_transaction', { action: method, txHash: hash })
      return hash as Hex
    } catch (error) {
      const isTaken = isError(error, 'NONCE_EXPIRED') || isError(error, 'REPLACEMENT_UNDERPRICED')
      throw isTaken ? nonceTaken(title, error) : error
    }
  }
}

const nonceTaken = (title: string, cause: unknown): AppError =>
  new AppError({
    code: 'nonce_taken',
    message: `"${title}" met another transaction of this account`,
    hint: 'It is sent again',
    retryable: true,
    cause,
  })
