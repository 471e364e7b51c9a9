import { type Contract, type Provider, zeroPadValue } from 'ethers'
import { type Address, type Hex, sameAddress } from '../../base/hex.ts'
import { type EntryResult, isTaken, paidOf, resultTopic } from './calldata.ts'
import { resultsOf } from './outcome.ts'

export interface UnknownQuery {
  readonly user: Address
  readonly provider: Address
  /** The newest nonce that the ledger knows. */
  readonly afterNonce: bigint
  readonly fromBlock: number
}

/** What the chain took of a user by entries that a ledger does not know, neuron, and the newest nonce among them. */
export interface UnknownPayments {
  readonly paid: bigint
  readonly nonce: bigint
}

/** Blocks that are asked for at once; halved while an RPC refuses. */
const SPAN = 10_000

/**
 * Reads the chain's logs for entries above a nonce.
 * @returns null where a settlement that the logs name cannot be read: it may be one of them
 */
export async function unknownPayments(
  rpc: Provider,
  contract: Contract,
  query: UnknownQuery,
): Promise<UnknownPayments | null> {
  const hashes = await settlementsOf(rpc, contract, query)
  let found: UnknownPayments = { paid: 0n, nonce: query.afterNonce }
  for (const hash of hashes) {
    const mined = await resultsOf(rpc, contract, hash)
    if (!mined) return null
    for (const result of mined.results) {
      if (isUnknown(result, query))
        found = { paid: found.paid + paidOf(result), nonce: higher(found, result) }
    }
  }
  return found
}

const isUnknown = (result: EntryResult, { user, provider, afterNonce }: UnknownQuery): boolean =>
  isTaken(result) &&
  sameAddress(result.entry.user, user) &&
  sameAddress(result.entry.provider, provider) &&
  result.entry.nonce > afterNonce

const higher = ({ nonce }: UnknownPayments, { entry }: EntryResult): bigint =>
  entry.nonce > nonce ? entry.nonce : nonce

async function settlementsOf(
  rpc: Provider,
  contract: Contract,
  { user, fromBlock }: UnknownQuery,
): Promise<Hex[]> {
  const address = await contract.getAddress()
  const topics = [resultTopic(contract), zeroPadValue(user, 32)]
  const head = await rpc.getBlockNumber()
  const hashes = new Set<Hex>()
  let span = SPAN
  for (let from = fromBlock; from <= head; ) {
    const to = Math.min(head, from + span - 1)
    try {
      const logs = await rpc.getLogs({ address, topics, fromBlock: from, toBlock: to })
      for (const log of logs) hashes.add(log.transactionHash as Hex)
      from = to + 1
    } catch (error) {
      if (span === 1) throw error
      span = Math.max(1, Math.floor(span / 8))
    }
  }
  return [...hashes]
}
