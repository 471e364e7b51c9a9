import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { curveOf } from '../client/finetune/curve.ts'
import { figures } from './finetune/finishTask.ts'
import { reportPage } from './finetune/reportPage.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  options: [['--out <file>', 'where the page goes (default: finetune-<task>.html)']],
  examples: ['0g-compute finetune report', '0g-compute finetune report beb6f0d8 --out report.html'],
  notes: 'One HTML page with the loss curve, that needs nothing else; the figures themselves with --json.',
  async run(context, input) {
    const { out } = context
    const { finetune } = await context.compute()
    const task = await finetune.find(input.argument(0))
    const [view, events] = await Promise.all([finetune.view(task), finetune.events(task)])
    const curve = curveOf(events)
    const file = resolve(input.text('out') ?? `finetune-${(task.taskId ?? task.key).slice(0, 8)}.html`)
    writeFileSync(file, reportPage(view, curve))
    out.result({ task: task.taskId, file, ...figures(curve), points: curve.points }, () => file)
    return undefined
  },
}
