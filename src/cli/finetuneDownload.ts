import { finishTask } from './finetune/finishTask.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  options: [
    ['--provider <address>', 'of a task that was created elsewhere; then the whole id is needed'],
    ['--out <folder>', 'where the model of such a task goes'],
  ],
  examples: ['0g-compute finetune download', '0g-compute finetune download beb6f0d8'],
  notes:
    'Waits, downloads from where it was cut off, compares the file with the chain, accepts it, decrypts it.\n' +
    'A file that is not the one on chain is never accepted, and nothing decrypted is kept when a check fails.',
  async run(context, input) {
    const { finetune } = await context.compute()
    const provider = input.address('provider')
    const id = input.argument(0)
    const task =
      provider && id !== undefined
        ? await finetune.adopt(provider, id, input.text('out') ?? `0g-model-${id.slice(0, 8)}`)
        : await finetune.find(id)
    return finishTask(context, task, { deploy: false })
  },
}
