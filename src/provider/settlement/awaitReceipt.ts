import { setTimeout as sleep } from 'node:timers/promises'
import type { Provider, TransactionReceipt } from 'ethers'
import type { Deadline } from './deadline.ts'

export interface AwaitOptions {
  readonly hash: string
  /** Blocks, the one with the transaction included, after which it counts. */
  readonly confirmations: number
  readonly deadline: Deadline
  /** Between looks, ms. */
  readonly pollMs: number
}

/**
 * Waits until a transaction that is in a block is deep enough, through failures of the RPC.
 * @returns its receipt, or null when it was not seen deep enough in time: its outcome is unknown
 */
export async function awaitReceipt(
  provider: Provider,
  { hash, confirmations, deadline, pollMs }: AwaitOptions,
): Promise<TransactionReceipt | null> {
  for (;;) {
    const receipt = await deepReceipt(provider, hash, confirmations).catch(() => null)
    if (receipt || deadline.isOver) return receipt
    await sleep(pollMs)
  }
}

async function deepReceipt(
  provider: Provider,
  hash: string,
  confirmations: number,
): Promise<TransactionReceipt | null> {
  const receipt = await provider.getTransactionReceipt(hash)
  if (!receipt || confirmations <= 1) return receipt
  const head = await provider.getBlockNumber()
  return head - receipt.blockNumber + 1 >= confirmations ? receipt : null
}
