import { Contract, type ContractRunner } from 'ethers'
import type { Address } from '../base/hex.ts'
import fineTuningArtifact from './artifacts/FineTuningServing.json' with { type: 'json' }
import { inferenceContract, isRevert, type PendingRefund } from './inference.ts'
import type { NetworkProfile } from './networks.ts'

/** A serving contract as the ledger knows it. */
export interface ServingContract {
  readonly kind: 'inference' | 'fine-tuning'
  readonly contract: Contract
  /** The ledger's name for it, e.g. `inference-v1.0`. */
  readonly name: string
  /** A refund can be collected this long after it was requested. */
  readonly lockTimeSeconds: number
}

/** Money of a user at one provider of one service, neuron. `balance` includes `pendingRefund`. */
export interface SubAccount {
  readonly service: ServingContract
  readonly provider: Address
  readonly balance: bigint
  readonly pendingRefund: bigint
  readonly refunds: readonly PendingRefund[]
}

/** The serving contracts of a network that its ledger knows. */
export async function listServingContracts(
  network: NetworkProfile,
  ledger: Contract,
  runner: ContractRunner,
): Promise<ServingContract[]> {
  const candidates = [
    { kind: 'inference', contract: inferenceContract(network.inference, runner) },
    { kind: 'fine-tuning', contract: new Contract(network.fineTuning, fineTuningArtifact.abi, runner) },
  ] as const
  const known = await Promise.all(
    candidates.map(async ({ kind, contract }) => {
      const info = await ledger.getFunction('getServiceInfo').staticCall(contract.target)
      if (!info.fullName) return []
      const lockTime = await contract.getFunction('lockTime').staticCall()
      return [{ kind, contract, name: info.fullName as string, lockTimeSeconds: Number(lockTime) }]
    }),
  )
  return known.flat()
}

/** Every sub-account of a user at these services. */
export async function listSubAccounts(
  ledger: Contract,
  services: readonly ServingContract[],
  user: Address,
): Promise<SubAccount[]> {
  const lists = await Promise.all(services.map((service) => subAccountsAt(ledger, service, user)))
  return lists.flat()
}

async function subAccountsAt(
  ledger: Contract,
  service: ServingContract,
  user: Address,
): Promise<SubAccount[]> {
  const providers: Address[] = await ledger.getFunction('getLedgerProviders').staticCall(user, service.name)
  const found = await Promise.all(providers.map((provider) => subAccountAt(service, user, provider)))
  return found.filter((account) => account !== null)
}

async function subAccountAt(
  service: ServingContract,
  user: Address,
  provider: Address,
): Promise<SubAccount | null> {
  try {
    const account = await service.contract.getFunction('getAccount').staticCall(user, provider)
    const refunds = [...account.refunds].slice(0, Number(account.validRefundsLength))
    return {
      service,
      provider,
      balance: account.balance,
      pendingRefund: account.pendingRefund,
      refunds: refunds.map(({ amount, createdAt }) => ({ amount, createdAt: Number(createdAt) })),
    }
  } catch (error) {
    if (isRevert(error, 'AccountNotExists')) return null
    throw error
  }
}
