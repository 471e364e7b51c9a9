import { format0G } from '../base/units.ts'
import { taskObject } from './finetune/runCreate.ts'
import { stateOf } from './finetune/stateOf.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [WIDE],
  examples: ['0g-compute finetune list', '0g-compute finetune list --json'],
  notes: 'Tasks of this wallet that this machine knows, newest first.',
  async run(context) {
    const { out } = context
    const { finetune } = await context.compute()
    const views = await Promise.all((await finetune.tasks()).map((task) => finetune.view(task)))
    const table = await out.table(
      ['task', 'model', 'state', 'fee (0G)', 'created'],
      views.map((view) => [
        view.local.taskId ?? view.local.key,
        view.local.model ?? 'from scratch',
        stateOf(view),
        format0G(BigInt(view.local.maxFee)),
        new Date(view.local.createdAt).toISOString().slice(0, 16).replace('T', ' '),
      ]),
    )
    const tasks = views.map((view) => ({ ...taskObject(view.local), state: stateOf(view) }))
    out.result({ tasks }, (paint) => (views.length > 0 ? table : paint.dim('No task yet.')))
    return undefined
  },
}
