import type { Contract, Signer } from 'ethers'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import { findStakes, readStake } from '../chain/stakes.ts'

/**
 * What a new service has to send along, neuron: the smallest stake that the contract asks, or nothing where one lies
 * there from before, as while an exit is under way.
 * @param serving `InferenceServing` or `FineTuningServing`
 * @throws AppError `stake_insufficient` with the exact shortfall
 */
export async function stakeToSend(serving: Contract, operator: Signer, provider: Address): Promise<bigint> {
  const stakes = await findStakes(serving, operator.provider!)
  const isThere =
    stakes !== null && (await readStake(stakes, serving.target as Address, provider)).amount > 0n
  if (isThere) return 0n
  const [stake, balance] = await Promise.all([
    serving.getFunction('MIN_PROVIDER_STAKE').staticCall() as Promise<bigint>,
    operator.provider!.getBalance(provider),
  ])
  if (balance < stake) throw stakeInsufficient(provider, stake, balance)
  return stake
}

const stakeInsufficient = (provider: Address, stake: bigint, balance: bigint): AppError =>
  new AppError({
    code: 'stake_insufficient',
    message: `A new service needs a stake of ${format0G(stake)} 0G, ${provider} has ${format0G(balance)} 0G: ${format0G(stake - balance)} 0G missing`,
    hint: 'Send the difference and a little for gas. The stake comes back by 0g-compute provider leave',
    next: '0g-compute wallet show',
    exitCode: EXIT.noFunds,
    status: 402,
    details: {
      stake: stake.toString(),
      balance: balance.toString(),
      shortfall: (stake - balance).toString(),
    },
  })
