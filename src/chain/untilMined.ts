import type { Provider, TransactionReceipt } from 'ethers'

/** A transaction that is on its way, or was. */
export interface SentTransaction {
  readonly hash: string
  readonly from: string
  readonly nonce: number
  /** As it was signed; null where a wallet signs and sends by itself. */
  readonly raw: string | null
}

const TIMEOUT_MS = 120_000
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 2000
/** After so many looks in a row that showed nothing nobody waits any longer. */
const MAX_BLIND_LOOKS = 7

/**
 * Waits until a transaction is mined, through calls that fail, and sends it again where the node has lost it. The
 * `wait` of ethers ends the process at such a call: nobody handles what its polling throws.
 * @returns null when it was not seen in time: it may still be mined
 */
export async function untilMined(
  provider: Provider,
  sent: SentTransaction,
): Promise<TransactionReceipt | null> {
  const until = Date.now() + TIMEOUT_MS
  let blindLooks = 0
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    const seen = await look(provider, sent).catch(() => null)
    if (seen !== null && seen !== 'waiting') return seen
    blindLooks = seen === null ? blindLooks + 1 : 0
    if (blindLooks === MAX_BLIND_LOOKS || Date.now() >= until) return null
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** Null where another transaction used the nonce up, or a node that lags behind does not show this one yet. */
async function look(
  provider: Provider,
  { hash, from, nonce, raw }: SentTransaction,
): Promise<TransactionReceipt | 'waiting' | null> {
  const receipt = await provider.getTransactionReceipt(hash)
  if (receipt) return receipt
  if ((await provider.getTransactionCount(from)) > nonce) return null
  const isLost = raw !== null && (await provider.getTransaction(hash)) === null
  if (isLost) await provider.broadcastTransaction(raw)
  return 'waiting'
}
