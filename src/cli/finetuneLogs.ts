import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  options: [['--follow', 'goes on as it is written']],
  examples: ['0g-compute finetune logs', '0g-compute finetune logs beb6f0d8 --follow'],
  notes: 'For the owner of the task alone: each request is signed.',
  async run(context, input) {
    const { out, signal } = context
    const { finetune } = await context.compute()
    const task = await finetune.find(input.argument(0))
    let text = ''
    for await (const piece of finetune.logs(task, { follow: input.flag('follow'), signal })) {
      if (out.json) text += piece
      else out.piece(piece)
    }
    if (out.json) out.result({ task: task.taskId, log: text }, () => '')
    return undefined
  },
}
