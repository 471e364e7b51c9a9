import { Contract, type ContractRunner, toUtf8String } from 'ethers'
import { type Address, bytesToHex, type Hex, sameAddress } from '../base/hex.ts'
import artifact from './artifacts/FineTuningServing.json' with { type: 'json' }
import { isRevert, type PendingRefund } from './inference.ts'

/** A provider's fine-tuning service as registered. Price in neuron per token; memory and storage in GB. */
export interface FineTuningService {
  readonly provider: Address
  readonly url: string
  readonly quota: Quota
  readonly pricePerToken: bigint
  readonly occupied: boolean
  /** Names of models of its own, beside the predefined ones. */
  readonly models: readonly string[]
  readonly teeSignerAddress: Address
  readonly teeSignerAcknowledged: boolean
}

export interface Quota {
  readonly cpuCount: bigint
  readonly nodeMemory: bigint
  readonly gpuCount: bigint
  readonly nodeStorage: bigint
  readonly gpuType: string
}

/** What a provider registers; also in the order of `addOrUpdateService`. */
export type FineTuningServiceParams = Omit<FineTuningService, 'provider' | 'teeSignerAcknowledged'>

/** A model handed over by the deployed contract's rules. */
export interface Deliverable {
  /** The task's uuid. */
  readonly id: string
  /** As stored; brokers write text. @see modelRootsOf */
  readonly modelRootHash: Hex
  /** Empty (`0x`) until settled after an acknowledgement. */
  readonly encryptedSecret: Hex
  readonly acknowledged: boolean
  /** Unix seconds. */
  readonly timestamp: number
  readonly settled: boolean
}

/** A user's sub-account at a fine-tuning provider, neuron. `balance` includes `pendingRefund`. */
export interface FineTuningAccount {
  readonly user: Address
  readonly provider: Address
  readonly nonce: bigint
  readonly balance: bigint
  readonly pendingRefund: bigint
  readonly refunds: readonly PendingRefund[]
  readonly deliverables: readonly Deliverable[]
  readonly acknowledged: boolean
}

/** The `FineTuningServing` contract with our ABI, which contains the deployed one. */
export const fineTuningContract = (address: Address, runner: ContractRunner): Contract =>
  new Contract(address, artifact.abi, runner)

/** Every registered service; the contract has no pages for them. */
export async function listFineTuningServices(contract: Contract): Promise<FineTuningService[]> {
  const services = await contract.getFunction('getAllServices').staticCall()
  return [...services].map(toService)
}

/** The service of a provider, or null. The deployed contract answers with an empty one where there is none. */
export async function findFineTuningService(
  contract: Contract,
  provider: Address,
): Promise<FineTuningService | null> {
  try {
    const service = toService(await contract.getFunction('getService').staticCall(provider))
    return sameAddress(service.provider, provider) ? service : null
  } catch (error) {
    if (isRevert(error, 'ServiceNotExist')) return null
    throw error
  }
}

/** The sub-account of a user at a provider, or null. */
export async function findFineTuningAccount(
  contract: Contract,
  user: Address,
  provider: Address,
): Promise<FineTuningAccount | null> {
  try {
    return toAccount(await contract.getFunction('getAccount').staticCall(user, provider))
  } catch (error) {
    if (isRevert(error, 'AccountNotExists')) return null
    throw error
  }
}

/** A deliverable, or null. @param id the task's uuid */
export async function findDeliverable(
  contract: Contract,
  user: Address,
  provider: Address,
  id: string,
): Promise<Deliverable | null> {
  try {
    return toDeliverable(await contract.getFunction('getDeliverable').staticCall(user, provider, id))
  } catch (error) {
    if (isRevert(error, 'DeliverableNotExists') || isRevert(error, 'AccountNotExists')) return null
    throw error
  }
}

/** Oldest first. */
export async function listDeliverables(
  contract: Contract,
  user: Address,
  provider: Address,
): Promise<Deliverable[]> {
  return [...(await contract.getFunction('getDeliverables').staticCall(user, provider))].map(toDeliverable)
}

/** Share of a fee, in percent, that a rejected or an unacknowledged delivery costs. */
export const readPenaltyPercent = async (contract: Contract): Promise<number> =>
  Number(await contract.getFunction('penaltyPercentage').staticCall())

/**
 * The hashes in a deliverable's `modelRootHash`: the text `0x…[,0x…]` that deployed brokers store, or 32 raw bytes.
 * @returns lower case; empty for what is neither
 */
export function modelRootsOf(modelRootHash: Hex): Hex[] {
  if (modelRootHash.length === 2 + 64) return [modelRootHash.toLowerCase() as Hex]
  try {
    const parts = toUtf8String(modelRootHash).toLowerCase().split(',')
    return parts.every((part) => /^0x[0-9a-f]{64}$/.test(part)) ? (parts as Hex[]) : []
  } catch {
    return []
  }
}

/** `modelRootHash` as deployed brokers write it: the hex text's own bytes. */
export const modelRootHashOf = (root: Hex): Hex => `0x${bytesToHex(new TextEncoder().encode(root))}`

/** Whether a service on chain differs from what a provider wants registered. `occupied` moves with every task. */
export function fineTuningServiceDiffers(
  service: FineTuningService,
  params: FineTuningServiceParams,
): boolean {
  return (
    service.url !== params.url ||
    service.pricePerToken !== params.pricePerToken ||
    service.models.join('\n') !== params.models.join('\n') ||
    !sameAddress(service.teeSignerAddress, params.teeSignerAddress) ||
    QUOTA_FIELDS.some((field) => service.quota[field] !== params.quota[field])
  )
}

const QUOTA_FIELDS = ['cpuCount', 'nodeMemory', 'gpuCount', 'nodeStorage', 'gpuType'] as const

function toService(item: FineTuningService): FineTuningService {
  const { cpuCount, nodeMemory, gpuCount, nodeStorage, gpuType } = item.quota
  return {
    provider: item.provider,
    url: item.url,
    quota: { cpuCount, nodeMemory, gpuCount, nodeStorage, gpuType },
    pricePerToken: item.pricePerToken,
    occupied: item.occupied,
    models: [...item.models],
    teeSignerAddress: item.teeSignerAddress,
    teeSignerAcknowledged: item.teeSignerAcknowledged,
  }
}

type OnChain<T> = { readonly [K in keyof T]: T[K] extends number ? bigint : T[K] }

function toDeliverable(item: OnChain<Deliverable>): Deliverable {
  return {
    id: item.id,
    modelRootHash: item.modelRootHash,
    encryptedSecret: item.encryptedSecret,
    acknowledged: item.acknowledged,
    timestamp: Number(item.timestamp),
    settled: item.settled,
  }
}

function toAccount(
  item: OnChain<Omit<FineTuningAccount, 'refunds' | 'deliverables'>> & {
    readonly refunds: readonly OnChain<PendingRefund>[]
    readonly deliverables: readonly OnChain<Deliverable>[]
    readonly validRefundsLength: bigint
  },
): FineTuningAccount {
  return {
    user: item.user,
    provider: item.provider,
    nonce: item.nonce,
    balance: item.balance,
    pendingRefund: item.pendingRefund,
    refunds: item.refunds
      .slice(0, Number(item.validRefundsLength))
      .map(({ amount, createdAt }) => ({ amount, createdAt: Number(createdAt) })),
    deliverables: item.deliverables.map(toDeliverable),
    acknowledged: item.acknowledged,
  }
}
