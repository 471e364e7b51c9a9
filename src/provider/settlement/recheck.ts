import type { Provider } from 'ethers'
import type { Logger } from '../../base/log.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { StoredSettlement } from '../ledger/settlements.ts'
import { byTransaction } from './byTransaction.ts'

/** So deep no reorganisation is expected to reach. */
export const FINAL_BLOCKS = 64

/**
 * Looks again at payments that are booked but not final. One whose block is no longer there was taken back by a
 * reorganisation deeper than the confirmations: it is open again, and what became of it is found out like that of
 * any other open one. One that is deep enough is final.
 */
export async function recheckPayments(ledger: Ledger, provider: Provider, log: Logger): Promise<void> {
  const recent = await ledger.settlements.recent()
  if (recent.length === 0) return
  const head = await provider.getBlockNumber()
  for (const [txHash, payments] of byTransaction(recent)) {
    // A node that lags behind knows nothing of the block, and proves nothing.
    if (payments.some(({ block }) => block !== null && block.number > head)) continue
    const receipt = await provider.getTransactionReceipt(txHash)
    const moved = payments.filter(({ block }) => receipt?.blockHash !== block?.hash)
    for (const payment of moved) await takeBack(ledger, payment, log)
    const isFinal = receipt && head - receipt.blockNumber >= FINAL_BLOCKS
    if (isFinal)
      await ledger.settlements.markFinal(
        payments.filter((each) => !moved.includes(each)).map(({ entry }) => entry),
      )
  }
}

async function takeBack(
  ledger: Ledger,
  { entry, paid, txHash }: StoredSettlement,
  log: Logger,
): Promise<void> {
  await ledger.settlements.reopen(entry)
  log.warn('settlement_reorganised', { user: entry.user, nonce: entry.nonce, paid, txHash })
}
