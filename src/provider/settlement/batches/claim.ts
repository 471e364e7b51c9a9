import type { Address } from '../../../base/hex.ts'
import type { StoredBatch } from '../../ledger/batches.ts'
import type { WaitReason } from '../report.ts'
import type { Run } from '../run.ts'
import type { Payer } from './payers.ts'

/** What is sent for the payers of a batch, ready to be simulated. */
export interface Claim {
  readonly method: 'settleBatch' | 'settleVouchers'
  readonly args: readonly unknown[]
  /** Neuron that it asks for in all, whatever was settled before. */
  readonly asked: bigint
  /** Those of whom nothing is asked. */
  readonly leftOut: readonly Address[]
}

/** How users are asked for what they owe: by the enclave's signature, or by their own. */
export interface Claiming {
  claimOf(stored: StoredBatch, provider: Address, run: Run): Promise<Claim>
  /** Why the contract would take nothing of a payer now, or null. */
  faultOf(payer: Payer, provider: Address, run: Run): Promise<WaitReason | null>
}
