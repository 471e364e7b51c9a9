import { format0G } from '../base/units.ts'
import { rejectByOf, revealByOf } from '../chain/taskEscrow.ts'
import type { TaskView } from '../client/finetune/fineTuning.ts'
import { describe } from './finetune/finishTask.ts'
import { taskObject } from './finetune/runCreate.ts'
import { stateOf } from './finetune/stateOf.ts'
import { watchTask } from './finetune/watchTask.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[task]', 'the beginning of its id (default: the newest)']],
  options: [['--watch', 'draws progress and the loss until training is over; with --json one line a figure']],
  examples: ['0g-compute finetune status', '0g-compute finetune status beb6f0d8 --watch'],
  async run(context, input) {
    const { out } = context
    const { finetune } = await context.compute()
    const local = await finetune.find(input.argument(0))
    if (input.flag('watch')) await watchTask(context, finetune, local)
    const view = await finetune.view(await finetune.find(local.key))
    out.report(statusObject(view), () => describeView(view))
    const next = nextOf(view)
    if (next) out.next(next)
    return undefined
  },
}

interface Deadlines {
  readonly trainBy: number | null
  readonly rejectBy: number | null
  readonly revealBy: number | null
  readonly retainedUntil: number | null
}

/** The chain's where it has them, else the broker's word. */
function deadlinesOf({ seen, escrow }: TaskView): Deadlines {
  const said = seen?.deadlines
  const isOnChain = escrow !== null && escrow.state !== 'None'
  return {
    trainBy: isOnChain ? escrow.trainBy : (said?.trainBy ?? null),
    rejectBy: isOnChain ? rejectByOf(escrow) : (said?.rejectBy ?? null),
    revealBy: isOnChain ? revealByOf(escrow) : (said?.revealBy ?? null),
    retainedUntil: said?.retainedUntil ?? null,
  }
}

const statusObject = (view: TaskView): object => ({
  ...taskObject(view.local),
  state: stateOf(view),
  progress: view.seen?.progress ?? null,
  escrow: view.escrow?.state ?? null,
  fee: view.escrow?.fee || view.seen?.fee || null,
  metrics: view.seen?.metrics ?? null,
  artifact: view.seen?.artifact ?? null,
  deadlines: deadlinesOf(view),
  failure: view.seen?.failure ?? view.local.ended,
})

function describeView(view: TaskView): string {
  const { local, seen, escrow } = view
  const { trainBy, rejectBy, revealBy, retainedUntil } = deadlinesOf(view)
  const isOpen = escrow?.state === 'Open' || escrow?.state === 'None' || escrow === null
  const lines: (readonly [string, string | null])[] = [
    ['Task', local.taskId ?? `${local.key}, not sent`],
    ['Model', `${local.model ?? 'from scratch'}, ${local.method}`],
    ['State', seen && !local.ended && !local.decrypted ? describe(seen) : stateOf(view)],
    ['Fee', `${format0G(escrow?.fee || BigInt(local.maxFee))} 0G${escrow ? `, escrow ${escrow.state}` : ''}`],
    ['Delivered by', isOpen && trainBy ? `${at(trainBy)}, or the whole fee comes back` : null],
    ['Reject by', escrow?.state === 'Delivered' && rejectBy ? `${at(rejectBy)}; silence accepts` : null],
    [
      'Key by',
      escrow?.state === 'Accepted' && revealBy ? `${at(revealBy)}, or the whole fee comes back` : null,
    ],
    ['Kept until', !local.decrypted && retainedUntil ? `${at(retainedUntil)}: download it before` : null],
    [
      'Failed',
      seen?.failure ? `${seen.failure.reason} (${seen.failure.code})` : (local.ended?.message ?? null),
    ],
    ['Lies in', local.decrypted ? local.output : null],
    ['Served as', local.adapter],
  ]
  return lines
    .filter(([, text]) => text !== null)
    .map(([name, text]) => `${name.padEnd(14)}${text}`)
    .join('\n')
}

function nextOf({ local, seen }: TaskView): string | null {
  const id = local.taskId
  if (id === null || local.ended) return null
  if (local.adapter) return `0g-compute infer "…" --model ${local.adapter}`
  if (local.decrypted) return `0g-compute finetune report ${id}`
  return seen?.progress === 'Failed' ? `0g-compute finetune logs ${id}` : `0g-compute finetune download ${id}`
}

const at = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
