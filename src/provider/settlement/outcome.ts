import { type Contract, type Provider, type TransactionReceipt, zeroPadValue } from 'ethers'
import type { Hex } from '../../base/hex.ts'
import type { TeeSettlementEntry } from '../../chain/inference.ts'
import type { BlockRef, StoredSettlement } from '../ledger/settlements.ts'
import { type EntryResult, isSameEntry, isTaken, readResults, resultTopic } from './calldata.ts'

/** What the chain did with an entry whose nonce it has used up. */
export type Outcome =
  | { readonly kind: 'taken'; readonly result: EntryResult; readonly txHash: Hex }
  /** Another entry of the same user used the nonce up: this one can never be paid. */
  | { readonly kind: 'replaced'; readonly nonce: bigint; readonly txHash: Hex }
  /** The logs do not show it (yet): nothing may be concluded. */
  | { readonly kind: 'unknown' }

/** Providers of RPC refuse longer ranges. */
const RANGE_BLOCKS = 1000
/** Before the head at signing: how far a reorganisation may have moved it. */
const REORG_BLOCKS = 64

/**
 * Looks for an entry in the blocks since it was signed. That another entry used its nonce up is said only where every
 * settlement of these blocks could be read: the one that a node does not show may be the one that took it.
 */
export async function findOutcome(
  provider: Provider,
  contract: Contract,
  { entry, fromBlock }: Pick<StoredSettlement, 'entry' | 'fromBlock'>,
): Promise<Outcome> {
  const head = await provider.getBlockNumber()
  let replaced: Outcome = { kind: 'unknown' }
  let isComplete = true
  for (let from = Math.max(0, fromBlock - REORG_BLOCKS); from <= head; from += RANGE_BLOCKS) {
    const to = Math.min(head, from + RANGE_BLOCKS - 1)
    for (const txHash of await settlementsOf(provider, contract, entry, from, to)) {
      const mined = await resultsOf(provider, contract, txHash)
      if (!mined) isComplete = false
      const results = mined?.results ?? []
      const ours = results.find((result) => isTaken(result) && isSameEntry(result.entry, entry))
      if (ours) return { kind: 'taken', result: ours, txHash }
      const other = results.find((result) => isTaken(result) && usesUp(result.entry, entry))
      if (other) replaced = { kind: 'replaced', nonce: other.entry.nonce, txHash }
    }
  }
  return isComplete ? replaced : { kind: 'unknown' }
}

/** What a mined transaction did, and in which block. */
export interface MinedResults {
  readonly results: readonly EntryResult[]
  readonly block: BlockRef
}

/** What a transaction did, or null when the node does not show it as mined, or it is no settlement. */
export async function resultsOf(
  provider: Provider,
  contract: Contract,
  txHash: Hex,
): Promise<MinedResults | null> {
  const [transaction, receipt] = await Promise.all([
    provider.getTransaction(txHash),
    provider.getTransactionReceipt(txHash),
  ])
  if (!transaction || receipt?.status !== 1) return null
  const results = await readResults(contract, { data: transaction.data, logs: receipt.logs })
  return results && { results, block: blockOf(receipt) }
}

async function settlementsOf(
  provider: Provider,
  contract: Contract,
  { user }: TeeSettlementEntry,
  fromBlock: number,
  toBlock: number,
): Promise<Hex[]> {
  const address = await contract.getAddress()
  const topics = [resultTopic(contract), zeroPadValue(user, 32)]
  const logs = await provider.getLogs({ address, fromBlock, toBlock, topics })
  return [...new Set(logs.map((log) => log.transactionHash as Hex))]
}

const usesUp = (other: TeeSettlementEntry, entry: TeeSettlementEntry): boolean =>
  other.user.toLowerCase() === entry.user.toLowerCase() &&
  other.provider.toLowerCase() === entry.provider.toLowerCase() &&
  other.nonce >= entry.nonce

export const blockOf = ({
  blockNumber,
  blockHash,
}: Pick<TransactionReceipt, 'blockNumber' | 'blockHash'>): BlockRef => ({
  number: blockNumber,
  hash: blockHash as Hex,
})
