import type { Contract, Signer } from 'ethers'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Tee } from '../tee/tee.ts'
import type { SettlementReport } from './report.ts'

export interface SettlerOptions {
  readonly ledger: Ledger
  readonly tee: Pick<Tee, 'signerKey' | 'signer'> & Partial<Pick<Tee, 'kind'>>
  /** Sends the transactions: the provider's account, a wallet connected to the network. */
  readonly operator: Signer
  /** `InferenceServing`. */
  readonly contract: Contract
  readonly chainId: number
  readonly confirmations: number
  /** Without a TEE: what a session key signs is claimed within so many seconds. */
  readonly claimSeconds?: number
  readonly log: Logger
  /** Told before a payment is booked, so that no request is admitted on the balance of before. */
  readonly accounts?: { invalidate(user: Address): void }
  /** Called after each run. */
  readonly afterRun?: (report: SettlementReport) => Promise<void>
  /** Between runs, ms. Default 5 minutes. */
  readonly intervalMs?: number
  /** Users who owe, or can pay, less than this wait, neuron. Default 0.004 0G. */
  readonly minimumFee?: bigint
  /** A user who owes this much is settled at once, neuron. Default 0.1 0G. */
  readonly eagerFee?: bigint
  /** How long a run waits for a transaction, ms. Default 2 minutes. */
  readonly receiptTimeoutMs?: number
  /** A transaction that is not mined for this long is sent again for more gas, ms. Default 30 seconds. */
  readonly bumpAfterMs?: number
  /** Between looks for a transaction, ms. Default 1 second. */
  readonly pollMs?: number
}
