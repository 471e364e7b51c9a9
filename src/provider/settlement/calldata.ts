import type { Contract, Log } from 'ethers'
import { type Address, type Hex, sameAddress } from '../../base/hex.ts'
import type { TeeSettlementEntry } from '../../chain/inference.ts'
import { SETTLEMENT_STATUS, type SettlementStatus } from '../../protocol/settlement.ts'

const METHOD = 'settleFeesWithTEE'
const RESULT = 'TEESettlementResult'

/** What a mined transaction did with one entry. `unsettled` in neuron. */
export interface EntryResult {
  readonly entry: TeeSettlementEntry
  readonly status: SettlementStatus
  readonly unsettled: bigint
}

/** Whether the chain took the entry's nonce, and with it paid what the account held. */
export const isTaken = ({ status }: Pick<EntryResult, 'status'>): boolean =>
  status === 'SUCCESS' || status === 'PARTIAL'

/** What the chain paid of an entry that it took, neuron. */
export const paidOf = ({ entry, unsettled }: EntryResult): bigint => entry.totalFee - unsettled

/** Whether two entries are one: everything that is signed is equal. */
export const isSameEntry = (a: TeeSettlementEntry, b: TeeSettlementEntry): boolean =>
  a.nonce === b.nonce &&
  a.totalFee === b.totalFee &&
  a.requestsHash === b.requestsHash &&
  sameAddress(a.user, b.user) &&
  sameAddress(a.provider, b.provider)

/** Topic of the event that answers an entry. */
export const resultTopic = (contract: Contract): string => contract.interface.getEvent(RESULT)!.topicHash

/**
 * Reads a mined settlement: the n-th result belongs to the n-th entry of the calldata, because the event names
 * user, status and rest but no nonce.
 * @returns null when the transaction is no settlement of ours, or its logs do not answer its entries
 * @see contracts.md section 2.1
 */
export async function readResults(
  contract: Contract,
  transaction: { readonly data: string; readonly logs: readonly Log[] },
): Promise<EntryResult[] | null> {
  const entries = decodeEntries(contract, transaction.data)
  const address = await contract.getAddress()
  const results = transaction.logs
    .filter((log) => sameAddress(log.address, address) && log.topics[0] === resultTopic(contract))
    .map((log) => contract.interface.decodeEventLog(RESULT, log.data, log.topics))
  if (!entries || entries.length !== results.length) return null
  const read: EntryResult[] = []
  for (const [index, entry] of entries.entries()) {
    const { user, status, unsettledAmount } = results[index]!
    const name = SETTLEMENT_STATUS[Number(status)]
    if (!name || !sameAddress(user, entry.user)) return null
    read.push({ entry, status: name, unsettled: unsettledAmount })
  }
  return read
}

function decodeEntries(contract: Contract, data: string): TeeSettlementEntry[] | null {
  const call = contract.interface.parseTransaction({ data })
  if (call?.name !== METHOD) return null
  const [items] = call.args as unknown as [readonly TeeSettlementEntry[]]
  return items.map((item) => ({
    user: item.user.toLowerCase() as Address,
    provider: item.provider,
    totalFee: item.totalFee,
    requestsHash: item.requestsHash as Hex,
    nonce: item.nonce,
    signature: item.signature,
  }))
}
