import { setTimeout as sleep } from 'node:timers/promises'
import {
  isError,
  keccak256,
  type Provider,
  type Signer,
  type TransactionReceipt,
  type TransactionRequest,
  type TransactionResponse,
} from 'ethers'
import { smaller } from '../../base/bigint.ts'
import type { Hex } from '../../base/hex.ts'
import type { Deadline } from './deadline.ts'

/** One way in which a transaction was sent; those that replace each other share their nonce and their calldata. */
interface Attempt {
  readonly hash: Hex
  readonly request: TransactionRequest
  /** Null when another process signed it. */
  readonly raw: string | null
}

export interface MiningOptions {
  readonly operator: Signer
  /** Blocks, the one with the transaction included, after which it counts. */
  readonly confirmations: number
  readonly deadline: Deadline
  /** Between looks, ms. */
  readonly pollMs: number
  /** A transaction that is not mined for this long is sent again for more gas, or where one is missing before it, ms. */
  readonly bumpAfterMs: number
  /** Called with the hash before the first byte of a transaction is sent. */
  readonly beforeSend: (txHash: Hex) => Promise<void>
}

/** A transaction replaces another when it pays at least a tenth more; nodes round. */
const BUMP_PERCENT = 125n
const MAX_BUMPS = 20

/** Sends a transaction, signed and noted before it leaves, and gets it mined. */
export async function sendAndMine(
  request: TransactionRequest,
  options: MiningOptions,
): Promise<{ readonly hash: Hex; readonly receipt: TransactionReceipt | null }> {
  const mining = new Mining(options)
  await mining.send(request)
  const receipt = await mining.untilMined()
  return { hash: (receipt?.hash as Hex | undefined) ?? mining.newestHash, receipt }
}

/** Gets a transaction mined that was sent earlier, perhaps by a process that died. */
export function mineSent(
  sent: TransactionResponse,
  options: MiningOptions,
): Promise<TransactionReceipt | null> {
  const mining = new Mining(options)
  mining.adopt(sent)
  return mining.untilMined()
}

/**
 * Waits for a transaction through failures of the RPC: sends the same bytes again while the chain does not know
 * them, and the same calldata for more gas while it is stuck: with the same nonce, or, where a reorganisation took an
 * earlier transaction away so that no later one can be mined, with the nonce of that one. Both may then be mined: a
 * settlement that is mined twice pays once.
 */
class Mining {
  readonly #options: MiningOptions
  readonly #provider: Provider
  readonly #attempts: Attempt[] = []
  #sentAt = 0
  /** False once the nonce is used up: whatever was mined was mined already. */
  #mayCome = true

  constructor(options: MiningOptions) {
    this.#options = options
    this.#provider = options.operator.provider!
  }

  get newestHash(): Hex {
    return this.#attempts.at(-1)!.hash
  }

  async send(request: TransactionRequest): Promise<void> {
    const raw = await this.#options.operator.signTransaction(request)
    const hash = keccak256(raw) as Hex
    await this.#options.beforeSend(hash)
    this.#attempts.push({ hash, request, raw })
    this.#sentAt = Date.now()
    await this.#broadcast()
  }

  adopt(sent: TransactionResponse): void {
    const { nonce, to, data, value, gasLimit, chainId, type } = sent
    const fees =
      sent.maxFeePerGas !== null
        ? { maxFeePerGas: sent.maxFeePerGas, maxPriorityFeePerGas: sent.maxPriorityFeePerGas }
        : { gasPrice: sent.gasPrice }
    const request = { nonce, to, data, value, gasLimit, chainId, type, ...fees }
    this.#attempts.push({ hash: sent.hash as Hex, request, raw: null })
    this.#sentAt = Date.now()
  }

  /** @returns the receipt, or null when none was seen deep enough in time: the outcome is unknown */
  async untilMined(): Promise<TransactionReceipt | null> {
    const { deadline, pollMs } = this.#options
    for (;;) {
      const seen = await this.#look().catch(() => 'unreachable' as const)
      if (typeof seen === 'object') return seen
      if (deadline.isOver || (seen === 'missing' && !this.#mayCome)) return null
      if (seen === 'missing') await this.#pushOn()
      await sleep(pollMs)
    }
  }

  async #look(): Promise<TransactionReceipt | 'missing' | 'young'> {
    const { confirmations } = this.#options
    for (const { hash } of this.#attempts.toReversed()) {
      const receipt = await this.#provider.getTransactionReceipt(hash)
      if (!receipt) continue
      if (confirmations <= 1) return receipt
      const head = await this.#provider.getBlockNumber()
      return head - receipt.blockNumber + 1 >= confirmations ? receipt : 'young'
    }
    return 'missing'
  }

  async #pushOn(): Promise<void> {
    const isStuck = Date.now() - this.#sentAt >= this.#options.bumpAfterMs
    if (!isStuck || this.#attempts.length > MAX_BUMPS) return this.#broadcast()
    const request = await this.#dearer().catch(() => null)
    // Where it cannot be priced or signed now, the bytes that are out there still count.
    await (request ? this.send(request).catch(() => this.#broadcast()) : this.#broadcast())
  }

  async #dearer(): Promise<TransactionRequest> {
    const { operator } = this.#options
    const [next, now] = await Promise.all([operator.getNonce('pending'), this.#provider.getFeeData()])
    const last = this.#attempts.at(-1)!.request
    const request = { ...last, nonce: Math.min(next, Number(last.nonce)) }
    if (request.maxFeePerGas == null) return { ...request, gasPrice: raised(request.gasPrice, now.gasPrice) }
    const maxFeePerGas = raised(request.maxFeePerGas, now.maxFeePerGas)
    const tip = raised(request.maxPriorityFeePerGas, now.maxPriorityFeePerGas)
    return { ...request, maxFeePerGas, maxPriorityFeePerGas: smaller(tip, maxFeePerGas) }
  }

  /** An answer that was lost, or "already known", leaves it open; a nonce that is used up does not. */
  async #broadcast(): Promise<void> {
    const { raw } = this.#attempts.at(-1)!
    if (raw === null) return
    try {
      await this.#provider.broadcastTransaction(raw)
    } catch (error) {
      this.#mayCome = !isError(error, 'NONCE_EXPIRED') && !isError(error, 'INSUFFICIENT_FUNDS')
    }
  }
}

function raised(before: TransactionRequest['gasPrice'], market: bigint | null): bigint {
  const bumped = (BigInt(before ?? 0) * BUMP_PERCENT) / 100n + 1n
  return market !== null && market > bumped ? market : bumped
}
