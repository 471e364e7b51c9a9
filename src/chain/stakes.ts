import { Contract, type ContractRunner, isError } from 'ethers'
import { type Address, type Hex, sameAddress } from '../base/hex.ts'
import type { SignedReceipt } from '../protocol/receipt.ts'
import artifact from './artifacts/Stakes.json' with { type: 'json' }
import { hasBatches, readSettled, type Settled } from './batches.ts'
import type { TransactionCall } from './transaction.ts'

/** A provider's stake and the claims on it. Amounts in neuron, times in unix seconds. @see IStakes.sol, IDisputes.sol */
export interface StakeState {
  readonly amount: bigint
  /** From when it can be taken out; 0 while no exit is under way. */
  readonly withdrawableAt: number
  /** Seconds that a claim window is open, and between an exit and the stake. */
  readonly windowSeconds: number
  /** Number of the window that is open or was last; 0 when there never was one. */
  readonly window: number
  /** When it ends or ended; 0 once resolved, and where there never was one. */
  readonly windowEndsAt: number
}

/** The `Stakes` contract of a serving contract, or null where it has none, as on the deployed network. */
export async function findStakes(inference: Contract, runner: ContractRunner): Promise<Contract | null> {
  try {
    const address: Address = await inference.getFunction('stakes').staticCall()
    return new Contract(address, artifact.abi, runner)
  } catch (error) {
    if (isError(error, 'CALL_EXCEPTION') || isError(error, 'BAD_DATA')) return null
    throw error
  }
}

export async function readStake(stakes: Contract, service: Address, provider: Address): Promise<StakeState> {
  const [[amount, withdrawableAt], windowSeconds, [window, windowEndsAt]] = await Promise.all([
    stakes.getFunction('stakeOf').staticCall(service, provider),
    stakes.getFunction('exitDelay').staticCall(),
    stakes.getFunction('windowOf').staticCall(service, provider),
  ])
  return {
    amount,
    withdrawableAt: Number(withdrawableAt),
    windowSeconds: Number(windowSeconds),
    window: Number(window),
    windowEndsAt: Number(windowEndsAt),
  }
}

/** What batches settled for a payer; null where no batch did. */
export async function settledByBatches(
  inference: Contract,
  user: Address,
  provider: Address,
): Promise<Settled | null> {
  if (!(await hasBatches(inference))) return null
  const settled = await readSettled(inference, user, provider)
  return settled.mode === 'batch' ? settled : null
}

/** Version of a signer among those of its provider; 0 for one that never was. */
export async function signerVersion(
  inference: Contract,
  provider: Address,
  signer: Address,
): Promise<number> {
  const [version] = await inference.getFunction('signerRecord').staticCall(provider, signer)
  return Number(version)
}

/** The call that proves a contradiction: two receipts of one number, or one receipt against a settlement. */
export function disputeCall(
  stakes: Contract,
  service: Address,
  receipts: readonly SignedReceipt[],
): TransactionCall {
  const [one, two] = receipts.map(({ receipt, signature }) => [receipt, signature] as const)
  const title = 'claim on the stake'
  return two
    ? { title, contract: stakes, method: 'disputeReceipts', args: [service, ...one!, ...two] }
    : { title, contract: stakes, method: 'disputeSettlement', args: [service, ...one!] }
}

export const resolveCall = (stakes: Contract, service: Address, provider: Address): TransactionCall => ({
  title: 'end the claim window',
  contract: stakes,
  method: 'resolve',
  args: [service, provider],
})

export const collectCall = (
  stakes: Contract,
  service: Address,
  provider: Address,
  window: number,
  user: Address,
): TransactionCall => ({
  title: `collect what window ${window} gave`,
  contract: stakes,
  method: 'collectClaim',
  args: [service, provider, window, user],
})

/** Takes the service off the list. The stake comes back at once on the deployed contracts, on ours after the exit delay. */
export const removeServiceCall = (serving: Contract, title: string): TransactionCall => ({
  title,
  contract: serving,
  method: 'removeService',
  args: [],
})

export const withdrawStakeCall = (serving: Contract, title: string): TransactionCall => ({
  title,
  contract: serving,
  method: 'withdrawStake',
  args: [],
})

/** What a mined transaction brought back of a provider's stake, neuron. */
export function stakeReturnedIn(
  serving: Contract,
  { logs }: { readonly logs: readonly { topics: readonly string[]; data: string; address: string }[] },
): bigint {
  return logs
    .filter(({ address }) => sameAddress(address, String(serving.target)))
    .map((log) => serving.interface.parseLog(log))
    .filter((event) => event?.name === 'ProviderStakeReturned')
    .reduce((sum, event) => sum + (event!.args.amount as bigint), 0n)
}

/** What a mined transaction paid to claims, and burned. */
export interface ClaimEvents {
  readonly collected: readonly { readonly user: Address; readonly amount: bigint; readonly txHash: Hex }[]
  readonly burned: bigint
}

/** Reads `ClaimCollected` and `StakeSlashed` of one provider from a transaction's log. */
export function claimEventsIn(
  stakes: Contract,
  provider: Address,
  receipt: { readonly hash: string; readonly logs: readonly { topics: readonly string[]; data: string }[] },
): ClaimEvents {
  const events = receipt.logs
    .map((log) => stakes.interface.parseLog(log))
    .filter((event) => event !== null && 'provider' in event.args.toObject())
    .filter((event) => sameAddress(event!.args.provider, provider))
    .map((event) => event!)
  return {
    collected: events
      .filter(({ name }) => name === 'ClaimCollected')
      .map(({ args }) => ({ user: args.user, amount: args.amount, txHash: receipt.hash as Hex })),
    burned: events
      .filter(({ name }) => name === 'StakeSlashed')
      .reduce((sum, { args }) => sum + (args.burned as bigint), 0n),
  }
}
