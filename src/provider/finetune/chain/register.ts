import type { Contract, Signer } from 'ethers'
import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import type { Logger } from '../../../base/log.ts'
import { format0G } from '../../../base/units.ts'
import {
  type FineTuningServiceParams,
  findFineTuningService,
  fineTuningServiceDiffers,
} from '../../../chain/fineTuning.ts'
import { prepare, send } from '../../../chain/transaction.ts'

export interface FineTuningRegistration {
  readonly action: 'registered' | 'updated' | 'unchanged'
  /** Whether the contract's owner has acknowledged the signer: until then nothing can be delivered for money. */
  readonly isAcknowledged: boolean
}

/**
 * Makes the chain say what is offered for fine-tuning: registers with the smallest stake that the chain asks, updates
 * what differs, and sends nothing when nothing differs.
 * @throws AppError `stake_insufficient`, `insufficient_funds`, `transaction_reverted`, `transaction_unknown`
 */
export async function registerFineTuning(
  contract: Contract,
  operator: Signer,
  params: FineTuningServiceParams,
  log: Logger,
): Promise<FineTuningRegistration> {
  const provider = (await operator.getAddress()) as Address
  const found = await findFineTuningService(contract, provider)
  if (found && !fineTuningServiceDiffers(found, params))
    return { action: 'unchanged', isAcknowledged: found.teeSignerAcknowledged }
  const stake = found ? 0n : await affordableStake(contract, operator, provider)
  const { url, quota, pricePerToken, occupied, models, teeSignerAddress } = params
  const prepared = await prepare(operator, {
    title: found
      ? 'update the fine-tuning service'
      : `register the fine-tuning service with a stake of ${format0G(stake)} 0G`,
    contract: contract.connect(operator) as Contract,
    method: 'addOrUpdateService',
    args: [url, quota, pricePerToken, occupied, models, teeSignerAddress],
    value: stake,
  })
  const { hash } = await send(operator, prepared)
  const action = found ? 'updated' : 'registered'
  log.info('finetune_service_registered', { action, txHash: hash, stake })
  const service = await findFineTuningService(contract, provider)
  return { action, isAcknowledged: service?.teeSignerAcknowledged ?? false }
}

async function affordableStake(contract: Contract, operator: Signer, provider: Address): Promise<bigint> {
  const [stake, balance] = await Promise.all([
    contract.getFunction('MIN_PROVIDER_STAKE').staticCall() as Promise<bigint>,
    operator.provider!.getBalance(provider),
  ])
  if (balance >= stake) return stake
  throw new AppError({
    code: 'stake_insufficient',
    message: `A new service needs a stake of ${format0G(stake)} 0G, ${provider} has ${format0G(balance)} 0G: ${format0G(stake - balance)} 0G missing`,
    hint: 'Send the difference and a little for gas. The stake comes back when the service is removed',
    next: '0g-compute wallet show',
    details: { stake: stake.toString(), balance: balance.toString() },
  })
}
