import { Contract, type ContractRunner } from 'ethers'
import type { Address } from '../base/hex.ts'
import artifact from './artifacts/LedgerManager.json' with { type: 'json' }
import { isRevert } from './inference.ts'

/** A user's ledger in neuron. `total` includes what lies in sub-accounts. */
export interface LedgerRecord {
  readonly user: Address
  readonly available: bigint
  readonly total: bigint
}

/** Smallest deposit for a new ledger and transfer for a new sub-account, neuron, as the chain has them. */
export interface LedgerMinimums {
  readonly deposit: bigint
  readonly transfer: bigint
}

/** Names under which the ledger knows its services. */
export const INFERENCE_SERVICE = 'inference-v1.0'
export const FINE_TUNING_SERVICE = 'fine-tuning-v1.0'

/** The `LedgerManager` contract with our ABI, which contains the deployed one. */
export const ledgerContract = (address: Address, runner: ContractRunner): Contract =>
  new Contract(address, artifact.abi, runner)

/** The ledger of a user, or null. */
export async function findLedger(contract: Contract, user: Address): Promise<LedgerRecord | null> {
  try {
    const record = await contract.getFunction('getLedger').staticCall(user)
    return { user: record.user, available: record.availableBalance, total: record.totalBalance }
  } catch (error) {
    if (isRevert(error, 'LedgerNotExists')) return null
    throw error
  }
}

/** Minimums are read from the chain: deployments differ. */
export async function readMinimums(contract: Contract): Promise<LedgerMinimums> {
  const [deposit, transfer] = await Promise.all([
    contract.getFunction('MIN_ACCOUNT_BALANCE').staticCall(),
    contract.getFunction('MIN_TRANSFER_AMOUNT').staticCall(),
  ])
  return { deposit, transfer }
}
