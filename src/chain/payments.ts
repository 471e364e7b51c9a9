import { type Contract, EventLog, type Log, type Provider } from 'ethers'
import type { Address, Hex } from '../base/hex.ts'
import { hasBatches } from './batches.ts'

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
  /** Default 0: nothing can have been paid before the contracts were deployed. */
  readonly fromBlock?: number
}

/** Blocks that are asked for at once; RPCs limit it. Halved while an RPC refuses. */
const SPAN = 10_000
const PAID_SHIFT = 128n

/**
 * Every payment out of a user's inference sub-accounts, in the chain's order, by differences, batches and vouchers
 * alike. Logs alone are read: nobody's calldata has to be trusted.
 */
export async function listPayments(query: PaymentQuery, rpc: Provider): Promise<Payment[]> {
  const withBatches = await hasBatches(query.inference)
  const latest = await rpc.getBlockNumber()
  const payments: Payment[] = []
  let span = SPAN
  for (let from = query.fromBlock ?? 0; from <= latest; ) {
    const to = Math.min(from + span - 1, latest)
    try {
      const [deltas, totals] = await Promise.all([
        byDifferences(query, from, to),
        withBatches ? byTotals(query, from, to) : [],
      ])
      payments.push(...[...deltas, ...totals].sort(inOrder).map(({ payment }) => payment))
      from = to + 1
    } catch (error) {
      if (span === 1) throw error
      span = Math.max(1, Math.floor(span / 2))
    }
  }
  return payments
}

/** A payment and the log that says it. */
interface Found {
  readonly payment: Payment
  readonly log: EventLog
}

/** The ledger logs the amount, and the service right after it whose account it was. @see contracts.md section 2.1 */
async function byDifferences(
  { ledger, inference, user }: PaymentQuery,
  from: number,
  to: number,
): Promise<Found[]> {
  const [fees, accounts] = await Promise.all([
    logsOf(ledger, ledger.filters.FundSpent!(user, inference.target), from, to),
    logsOf(inference, inference.filters.BalanceUpdated!(user), from, to),
  ])
  return fees.map((log) => found(user, log, log.args.amount, nextAfter(log, accounts)))
}

/** The service logs what each payer paid, and after them whose batch it was. @see IBatchSettlement.PayerSettled */
async function byTotals({ inference, user }: PaymentQuery, from: number, to: number): Promise<Found[]> {
  const payers = await logsOf(inference, inference.filters.PayerSettled!(user), from, to)
  if (payers.length === 0) return []
  const [batches, vouchers] = await Promise.all([
    logsOf(inference, inference.filters.BatchSettled!(), from, to),
    logsOf(inference, inference.filters.VouchersSettled!(), from, to),
  ])
  const ends = [...batches, ...vouchers].sort((a, b) => a.index - b.index)
  return payers.map((log) => found(user, log, log.args.paidAndSettled >> PAID_SHIFT, nextAfter(log, ends)))
}

async function logsOf(
  contract: Contract,
  filter: Parameters<Contract['queryFilter']>[0],
  from: number,
  to: number,
): Promise<EventLog[]> {
  const logs: (EventLog | Log)[] = await contract.queryFilter(filter, from, to)
  return logs.filter((log) => log instanceof EventLog)
}

/** The first of these logs that follows in the same transaction; `logs` in order of their index. */
const nextAfter = ({ transactionHash, index }: EventLog, logs: readonly EventLog[]): EventLog | undefined =>
  logs.find((log) => log.transactionHash === transactionHash && log.index > index)

const found = (user: Address, log: EventLog, amount: bigint, end: EventLog | undefined): Found => ({
  log,
  payment: {
    user,
    provider: (end?.args.provider ?? '0x') as Address,
    amount,
    txHash: log.transactionHash as Hex,
    blockNumber: log.blockNumber,
  },
})

const inOrder = (a: Found, b: Found): number =>
  a.log.blockNumber - b.log.blockNumber || a.log.index - b.log.index
