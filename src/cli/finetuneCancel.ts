import { format0G } from '../base/units.ts'
import type { CancelResult } from '../client/finetune/cancelTask.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  examples: ['0g-compute finetune cancel', '0g-compute finetune cancel beb6f0d8 --yes'],
  notes:
    'Before training: for nothing. After the delivery: rejects it, for the penalty, which is shown first.\n' +
    'When nothing came in time: takes the fee back.',
  async run(context, input) {
    const { out } = context
    const { finetune } = await context.compute()
    const task = await finetune.find(input.argument(0))
    const result = await finetune.cancel(task, {
      approvePenalty: async (penalty, fee) => {
        out.note(
          `The model is delivered. Rejecting it costs ${format0G(penalty)} of ${format0G(fee)} 0G, and there is no key`,
        )
        await context.confirmSpending('Penalty', penalty)
        return true
      },
    })
    out.result({ task: task.taskId, ...result }, () => describe(result))
    out.next('0g-compute fund status')
    return undefined
  },
}

const describe = ({ how, paid, returned }: CancelResult): string =>
  ({
    cancelled: 'Cancelled. Nothing was paid.',
    returned: `${format0G(returned)} 0G are back in your ledger.`,
    rejected: `Rejected: ${format0G(paid)} 0G for the provider, ${format0G(returned)} 0G back in your ledger.`,
  })[how]
