import { finishTask } from './finetune/finishTask.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  options: [
    ['--provider <address>', 'of a task that was created elsewhere; then the whole id is needed'],
    ['--out <folder>', 'where the model goes (default: what was said when it was ordered)'],
  ],
  examples: ['0g-compute finetune download', '0g-compute finetune download beb6f0d8'],
  notes:
    'Waits, downloads from where it was cut off, compares the file with the chain, accepts it, decrypts it.\n' +
    'A file that is not the one on chain is never accepted, and nothing decrypted is kept when a check fails.',
  async run(context, input) {
    const { finetune } = await context.compute()
    const provider = input.address('provider')
    const id = input.argument(0)
    const output = input.text('out')
    if (provider && id !== undefined) {
      const adopted = await finetune.adopt(provider, id, output ?? `0g-model-${id.slice(0, 8)}`)
      return finishTask(context, adopted, { deploy: false })
    }
    const found = await finetune.find(id)
    const task = output === undefined ? found : await finetune.moveOutput(found, output)
    return finishTask(context, task, { deploy: false })
  },
}
