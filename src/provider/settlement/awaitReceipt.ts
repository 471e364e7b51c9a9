import { setTimeout as sleep } from 'node:timers/promises'
import type { Provider, TransactionReceipt } from 'ethers'

export interface AwaitOptions {
  readonly hash: string
  /** Blocks, the one with the transaction included, after which it counts. */
  readonly confirmations: number
  /** Wall clock, ms since the epoch. */
  readonly deadline: number
  /** Between looks, ms. */
  readonly pollMs: number
  /** Called while there is no receipt: sends the same bytes again. False when they can never be mined. */
  readonly rebroadcast?: () => Promise<boolean>
}

/**
 * Waits for a transaction, through failures of the RPC.
 * @returns its receipt, or null when it was not seen deep enough in time: its outcome is unknown
 */
export async function awaitReceipt(
  provider: Provider,
  { hash, confirmations, deadline, pollMs, rebroadcast }: AwaitOptions,
): Promise<TransactionReceipt | null> {
  for (let mayCome = true; ; ) {
    const seen = await look(provider, hash, confirmations).catch(() => 'unreachable' as const)
    if (typeof seen === 'object') return seen
    if (!mayCome || Date.now() >= deadline) return null
    if (seen === 'missing' && rebroadcast) mayCome = await rebroadcast()
    await sleep(pollMs)
  }
}

async function look(
  provider: Provider,
  hash: string,
  confirmations: number,
): Promise<TransactionReceipt | 'missing' | 'young'> {
  const receipt = await provider.getTransactionReceipt(hash)
  if (!receipt) return 'missing'
  if (confirmations <= 1) return receipt
  const head = await provider.getBlockNumber()
  return head - receipt.blockNumber + 1 >= confirmations ? receipt : 'young'
}
