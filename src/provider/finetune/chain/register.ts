import type { Contract, Signer } from 'ethers'
import type { Address } from '../../../base/hex.ts'
import type { Logger } from '../../../base/log.ts'
import { format0G } from '../../../base/units.ts'
import {
  type FineTuningServiceParams,
  findFineTuningService,
  fineTuningServiceDiffers,
} from '../../../chain/fineTuning.ts'
import { prepare, send } from '../../../chain/transaction.ts'
import { stakeToSend } from '../../stake.ts'

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
  const stake = found ? 0n : await stakeToSend(contract, operator, provider)
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
