import { taskObject } from './finetune/runCreate.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  examples: ['0g-compute finetune deploy', '0g-compute finetune deploy beb6f0d8'],
  notes: 'The provider loads the adapter beside its model and serves it for you alone.',
  async run(context, input) {
    const { out, signal } = context
    const { finetune } = await context.compute()
    const task = await finetune.find(input.argument(0))
    const progress = await out.progress('Asking the provider')
    const onState = (state: string) => progress.update(`Serving it: ${state}`)
    const done = await finetune.deploy(task, { onState, signal }).finally(() => progress.stop())
    out.result(taskObject(done), () => `Served for you alone as ${done.adapter}`)
    out.next(`0g-compute infer "…" --model ${done.adapter}`)
    return undefined
  },
}
