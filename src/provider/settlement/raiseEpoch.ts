import type { Contract } from 'ethers'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { readEpoch } from '../../chain/batches.ts'
import type { MiningOptions } from './getMined.ts'
import { submit } from './submit.ts'

export interface RaiseOptions extends Omit<MiningOptions, 'beforeSend'> {
  readonly contract: Contract
  readonly provider: Address
  readonly epoch: number
  readonly log: Logger
}

/** In more steps than this no reorganisation takes epochs back. */
const MAX_STEPS = 3

/**
 * Makes the chain's epoch the one that this ledger's numbers are of, and waits until that is mined.
 * @throws AppError `epoch_passed` when the chain is further, `epoch_not_open` when it was not final in time
 */
export async function raiseEpoch({ contract, provider, epoch, log, ...mining }: RaiseOptions): Promise<void> {
  const open = await readEpoch(contract, provider)
  if (open > epoch || epoch - open > MAX_STEPS) throw epochPassed(epoch, open)
  for (let next = open + 1; next <= epoch; next++) {
    const call = { title: `open epoch ${next}`, method: 'openEpoch', args: [provider, next, '0x'] }
    try {
      const { txHash, receipt } = await submit(call, { ...mining, contract, beforeSend: async () => {} })
      if (receipt?.status !== 1) throw epochNotOpen(next)
      log.warn('epoch_opened', { epoch: next, txHash, gasUsed: receipt.gasUsed })
    } catch (error) {
      // Another replica, which starts at the same time, may have been quicker.
      if ((await readEpoch(contract, provider)) < next) throw error
    }
  }
}

const epochPassed = (epoch: number, open: number): AppError =>
  new AppError({
    code: 'epoch_passed',
    message: `The numbers of this ledger are of epoch ${epoch}, on chain it is epoch ${open}`,
    hint: 'Two ledgers serve for one provider. Stop the other broker: this one opens the next epoch by itself, and settles then; nothing that is owed is lost',
    next: '0g-compute provider serve',
    status: 503,
  })

export const epochNotOpen = (epoch: number): AppError =>
  new AppError({
    code: 'epoch_not_open',
    message: `Epoch ${epoch} was not final on chain in time`,
    hint: 'Nothing is served before it is, so that no number stands on two receipts. Start again',
    next: '0g-compute provider serve',
    retryable: true,
    status: 503,
  })
