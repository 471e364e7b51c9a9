import { taskObject } from './finetune/runCreate.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  options: [['--remove', 'ends it: the provider gives the memory back']],
  examples: ['0g-compute finetune deploy beb6f0d8', '0g-compute finetune deploy beb6f0d8 --remove'],
  notes:
    'The provider loads the adapter beside its model and serves it for you alone. One that is not asked for an hour\n' +
    'may have to make room for another; deploy it again then.',
  async run(context, input) {
    const { out, signal } = context
    const { finetune } = await context.compute()
    const task = await finetune.find(input.argument(0))
    if (input.flag('remove')) {
      const removed = await finetune.undeploy(task)
      out.result(taskObject(removed), () => 'It is not served any more.')
      return undefined
    }
    const progress = await out.progress('Asking the provider')
    const onState = (state: string) => progress.update(`Serving it: ${state}`)
    const done = await finetune.deploy(task, { onState, signal }).finally(() => progress.stop())
    out.result(taskObject(done), () => `Served for you alone as ${done.adapter}`)
    out.next(`0g-compute infer "…" --model ${done.adapter}`)
    return undefined
  },
}
