import type { Contract, EventLog, Log, Provider } from 'ethers'
import type { Address, Hex } from '../base/hex.ts'

/** A settlement as the chain executed it: what a provider took from a user. */
export interface Payment {
  readonly user: Address
  readonly provider: Address
  /** Neuron. */
  readonly amount: bigint
  readonly txHash: Hex
  readonly blockNumber: number
}

export interface PaymentQuery {
  readonly ledger: Contract
  /** `InferenceServing`. */
  readonly inference: Contract
  readonly user: Address
  readonly fromBlock?: number
}

/** Blocks that are asked for at once; RPCs limit it. Halved while an RPC refuses. */
const SPAN = 10_000

/**
 * Every payment out of a user's inference sub-accounts, in the chain's order.
 *
 * The ledger logs the amount (`FundSpent`), the service right after it whose account it was (`BalanceUpdated`):
 * read together they need no trust in anyone's calldata. @see contracts.md section 2.1
 */
export async function listPayments(query: PaymentQuery, rpc: Provider): Promise<Payment[]> {
  const { ledger, inference, user } = query
  const spent = ledger.filters.FundSpent!(user, inference.target)
  const updated = inference.filters.BalanceUpdated!(user)
  const latest = await rpc.getBlockNumber()
  const payments: Payment[] = []
  let span = SPAN
  for (let from = query.fromBlock ?? 0; from <= latest; ) {
    const to = Math.min(from + span - 1, latest)
    try {
      const [fees, accounts] = await Promise.all([
        ledger.queryFilter(spent, from, to),
        inference.queryFilter(updated, from, to),
      ])
      payments.push(...pairUp(user, fees, accounts))
      from = to + 1
    } catch (error) {
      if (span === 1) throw error
      span = Math.max(1, Math.floor(span / 2))
    }
  }
  return payments
}

function pairUp(
  user: Address,
  fees: readonly (EventLog | Log)[],
  accounts: readonly (EventLog | Log)[],
): Payment[] {
  return fees.filter(isParsed).map((fee) => {
    const account = accounts
      .filter(isParsed)
      .find(({ transactionHash, index }) => transactionHash === fee.transactionHash && index > fee.index)
    return {
      user,
      provider: (account?.args.provider ?? '0x') as Address,
      amount: fee.args.amount as bigint,
      txHash: fee.transactionHash as Hex,
      blockNumber: fee.blockNumber,
    }
  })
}

const isParsed = (log: EventLog | Log): log is EventLog => 'args' in log
