import { Contract, type ContractRunner } from 'ethers'
import { type Address, type Hex, sameAddress } from '../base/hex.ts'
import artifact from './artifacts/InferenceServing.json' with { type: 'json' }

/** A provider's service as registered. Prices in neuron per token. `updatedAt` in unix seconds. */
export interface Service {
  readonly provider: Address
  readonly serviceType: string
  readonly url: string
  readonly inputPrice: bigint
  readonly outputPrice: bigint
  readonly updatedAt: number
  readonly model: string
  readonly verifiability: string
  readonly additionalInfo: string
  readonly teeSignerAddress: Address
  readonly teeSignerAcknowledged: boolean
}

/** A part of a sub-account on its way back to the ledger. */
export interface PendingRefund {
  readonly amount: bigint
  /** Unix seconds; collectable `lockTime` later. */
  readonly createdAt: number
}

/** A user's sub-account at a provider. Amounts in neuron; `balance` includes `pendingRefund`. */
export interface Account {
  readonly user: Address
  readonly provider: Address
  readonly nonce: bigint
  readonly balance: bigint
  readonly pendingRefund: bigint
  readonly refunds: readonly PendingRefund[]
  readonly acknowledged: boolean
  readonly generation: number
  readonly revokedBitmap: bigint
}

/** What a provider registers. */
export interface ServiceParams {
  readonly serviceType: string
  readonly url: string
  readonly model: string
  readonly verifiability: string
  readonly inputPrice: bigint
  readonly outputPrice: bigint
  readonly additionalInfo: string
  readonly teeSignerAddress: Address
}

/** An entry of `settleFeesWithTEE`. */
export interface TeeSettlementEntry {
  readonly user: Address
  readonly provider: Address
  readonly totalFee: bigint
  readonly requestsHash: Hex
  readonly nonce: bigint
  readonly signature: Hex
}

/** The `InferenceServing` contract with our ABI, which contains the deployed one. */
export const inferenceContract = (address: Address, runner: ContractRunner): Contract =>
  new Contract(address, artifact.abi, runner)

const PAGE = 50

/** Every registered service. */
export async function listServices(contract: Contract): Promise<Service[]> {
  const services: Service[] = []
  for (let offset = 0; ; offset += PAGE) {
    const [page, total] = await contract.getFunction('getAllServices').staticCall(offset, PAGE)
    for (const item of page) services.push(toService(item))
    if (offset + PAGE >= Number(total)) return services
  }
}

/** The service of a provider, or null. */
export async function findService(contract: Contract, provider: Address): Promise<Service | null> {
  if (!(await contract.getFunction('serviceExists').staticCall(provider))) return null
  return toService(await contract.getFunction('getService').staticCall(provider))
}

/** The sub-account of a user at a provider, or null; as of a block, default the newest. */
export async function findAccount(
  contract: Contract,
  user: Address,
  provider: Address,
  blockTag: number | 'latest' = 'latest',
): Promise<Account | null> {
  try {
    return toAccount(await contract.getFunction('getAccount').staticCall(user, provider, { blockTag }))
  } catch (error) {
    if (isRevert(error, 'AccountNotExists')) return null
    throw error
  }
}

/** All sub-accounts of a user. */
export async function listAccountsOf(contract: Contract, user: Address): Promise<Account[]> {
  const accounts: Account[] = []
  for (let offset = 0; ; offset += PAGE) {
    const [page, total] = await contract.getFunction('getAccountsByUser').staticCall(user, offset, PAGE)
    for (const item of page) accounts.push(toAccount(item))
    if (offset + PAGE >= Number(total)) return accounts
  }
}

/** What a provider may charge now: the balance less what is on its way back. */
export const freeBalance = (account: Account): bigint =>
  account.balance > account.pendingRefund ? account.balance - account.pendingRefund : 0n

/** Whether one persistent token of an account was revoked. */
export const isTokenRevoked = (account: Pick<Account, 'revokedBitmap'>, tokenId: number): boolean =>
  ((account.revokedBitmap >> BigInt(tokenId)) & 1n) === 1n

/** Whether a failed call was reverted with this custom error. */
export function isRevert(error: unknown, name: string): boolean {
  const revert = (error as { revert?: { name?: string } | null } | null)?.revert
  return revert?.name === name
}

/** Whether a service on chain differs from what a provider wants registered. */
export function differs(service: Service, params: ServiceParams): boolean {
  return (
    service.serviceType !== params.serviceType ||
    service.url !== params.url ||
    service.model !== params.model ||
    service.verifiability !== params.verifiability ||
    service.inputPrice !== params.inputPrice ||
    service.outputPrice !== params.outputPrice ||
    service.additionalInfo !== params.additionalInfo ||
    !sameAddress(service.teeSignerAddress, params.teeSignerAddress)
  )
}

type Tuple<T> = { readonly [K in keyof T]: T[K] extends number ? bigint : T[K] }

function toService(item: Tuple<Service>): Service {
  return {
    provider: item.provider,
    serviceType: item.serviceType,
    url: item.url,
    inputPrice: item.inputPrice,
    outputPrice: item.outputPrice,
    updatedAt: Number(item.updatedAt),
    model: item.model,
    verifiability: item.verifiability,
    additionalInfo: item.additionalInfo,
    teeSignerAddress: item.teeSignerAddress,
    teeSignerAcknowledged: item.teeSignerAcknowledged,
  }
}

function toAccount(
  item: Tuple<Omit<Account, 'refunds'>> & {
    readonly refunds: readonly Tuple<PendingRefund>[]
    readonly validRefundsLength: bigint
  },
): Account {
  return {
    user: item.user,
    provider: item.provider,
    nonce: item.nonce,
    balance: item.balance,
    pendingRefund: item.pendingRefund,
    refunds: item.refunds
      .slice(0, Number(item.validRefundsLength))
      .map(({ amount, createdAt }) => ({ amount, createdAt: Number(createdAt) })),
    acknowledged: item.acknowledged,
    generation: Number(item.generation),
    revokedBitmap: item.revokedBitmap,
  }
}
