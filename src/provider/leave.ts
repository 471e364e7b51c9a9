import type { Contract, Signer } from 'ethers'
import { AppError } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import { chainTimeSeconds } from '../chain/clock.ts'
import { findFineTuningService, fineTuningContract } from '../chain/fineTuning.ts'
import { findService, inferenceContract } from '../chain/inference.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { RpcProvider } from '../chain/rpc.ts'
import {
  findStakes,
  readStake,
  removeServiceCall,
  type StakeState,
  stakeReturnedIn,
  withdrawStakeCall,
} from '../chain/stakes.ts'
import { type PreparedTransaction, prepare, send, type TransactionCall } from '../chain/transaction.ts'

/** A contract at which a provider has a service, a stake, or both. */
export interface Desk {
  readonly name: 'inference' | 'fine-tuning'
  readonly contract: Contract
  readonly provider: Address
  /** Of the service; null where it is removed already. */
  readonly url: string | null
  /** Null where the contract does not tell, as on the deployed network. */
  readonly stake: StakeState | null
}

export interface LeaveHooks {
  /** Asked before each transaction; throws where nobody wants it. */
  readonly approve: (transaction: PreparedTransaction) => Promise<void>
}

/** How far a provider is out. Neuron; unix seconds. */
export interface Left {
  readonly service: Desk['name']
  /** `leaving`: the service is gone, and the stake comes back after `withdrawableAt`. */
  readonly state: 'left' | 'leaving'
  /** What came back now. */
  readonly returned: bigint
  /** What is still there; null where the contract does not tell. */
  readonly stake: bigint | null
  /** 0 where nothing waits. */
  readonly withdrawableAt: number
  readonly transactions: readonly { readonly title: string; readonly txHash: string }[]
}

/** Where a provider has something, inference first. */
export async function desksOf(network: NetworkProfile, rpc: RpcProvider, provider: Address): Promise<Desk[]> {
  const inference = inferenceContract(network.inference, rpc)
  const fineTuning = fineTuningContract(network.fineTuning, rpc)
  const desks = await Promise.all([
    deskOf('inference', inference, provider, await findService(inference, provider)),
    deskOf('fine-tuning', fineTuning, provider, await findFineTuningService(fineTuning, provider)),
  ])
  return desks.filter(({ url, stake }) => url !== null || (stake?.amount ?? 0n) > 0n)
}

async function deskOf(
  name: Desk['name'],
  contract: Contract,
  provider: Address,
  service: { readonly url: string } | null,
): Promise<Desk> {
  return { name, contract, provider, url: service?.url ?? null, stake: await stakeAt(contract, provider) }
}

async function stakeAt(contract: Contract, provider: Address): Promise<StakeState | null> {
  const stakes = await findStakes(contract, contract.runner!)
  return stakes && readStake(stakes, contract.target as Address, provider)
}

/**
 * Removes a provider's service and takes its stake back, as far as the contract allows it now. May be called again at
 * any time; it goes on from where the chain stands.
 * @throws AppError `stake_frozen` before anything is sent, `insufficient_funds`, `transaction_reverted`
 */
export async function leave(desk: Desk, operator: Signer, hooks: LeaveHooks): Promise<Left> {
  const { name, provider, url } = desk
  const contract = desk.contract.connect(operator) as Contract
  const transactions: { title: string; txHash: string }[] = []
  let returned = 0n
  const sendCall = async (call: TransactionCall) => {
    const prepared = await prepare(operator, call)
    await hooks.approve(prepared)
    const receipt = await send(operator, prepared)
    returned += stakeReturnedIn(contract, receipt)
    transactions.push({ title: call.title, txHash: receipt.hash })
  }
  assertNotFrozen(desk)
  if (url !== null) await sendCall(removeServiceCall(contract, `remove the ${name} service`))
  let stake = await stakeAt(desk.contract, provider)
  if (stake && stake.amount > 0n) {
    const isDue = (await chainTimeSeconds(operator.provider as RpcProvider)) >= stake.withdrawableAt
    if (isDue) await sendCall(withdrawStakeCall(contract, `take the stake of the ${name} service back`))
    stake = await stakeAt(desk.contract, provider)
  }
  const isLeft = stake === null || stake.amount === 0n
  return {
    service: name,
    state: isLeft ? 'left' : 'leaving',
    returned,
    stake: stake?.amount ?? null,
    withdrawableAt: isLeft ? 0 : stake!.withdrawableAt,
    transactions,
  }
}

/** While a claim window is open, and until somebody has resolved it, nothing of a stake moves. */
function assertNotFrozen({ stake, name, provider }: Desk): void {
  if (!stake?.windowEndsAt) return
  throw new AppError({
    code: 'stake_frozen',
    message: `Claims on the ${name} stake of ${provider} run until ${new Date(stake.windowEndsAt * 1000).toISOString()}`,
    hint: 'Somebody has proven that its signer contradicted itself. The stake pays the claims, and the rest is burned',
    next: `0g-compute provider show ${provider}`,
    details: { windowEndsAt: stake.windowEndsAt },
  })
}
