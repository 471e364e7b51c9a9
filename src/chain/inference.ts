import { Contract, type ContractRunner } from 'ethers'
import { type Address, type Hex, sameAddress } from '../base/hex.ts'
import type { Account, PendingRefund } from './account.ts'
import artifact from './artifacts/InferenceServing.json' with { type: 'json' }
import { decodeServices } from './decodeServices.ts'

export { type Account, freeBalance, isTokenRevoked, type PendingRefund } from './account.ts'

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

/** Every registered service. The first page says how many there are; the others are read together. */
export async function listServices(contract: Contract): Promise<Service[]> {
  const { interface: abi, runner, target: to } = contract
  const read = async (offset: number) => {
    const data = abi.encodeFunctionData('getAllServices', [offset, PAGE])
    return decodeServices(await runner!.call!({ to, data }))
  }
  const first = await read(0)
  const further = Math.max(0, Math.ceil(first.total / PAGE) - 1)
  const rest = await Promise.all(Array.from({ length: further }, (_, i) => read((i + 1) * PAGE)))
  const services = [first, ...rest].flatMap((page) => page.services)
  // Who leaves meanwhile is replaced by the last one, which may then be read twice.
  return [...new Map(services.map((service) => [service.provider, service])).values()]
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
