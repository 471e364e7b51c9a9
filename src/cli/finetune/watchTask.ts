import { type Curve, curveOf } from '../../client/finetune/curve.ts'
import type { FineTuning } from '../../client/finetune/fineTuning.ts'
import type { LocalTask } from '../../client/finetune/localTask.ts'
import type { TaskEvent } from '../../protocol/finetune/task.ts'
import type { Context } from '../framework/context.ts'
import { lossChart, progressBar } from './lossChart.ts'

const MAX_WIDTH = 80
const CHART_HEIGHT = 10
/** Redrawn at most so often, ms. */
const FRAME_MS = 100
/** Without a terminal a line is written for each such share of the steps. */
const LINE_SHARE = 0.1

/** Shows a training as it goes: drawn on a terminal, as lines elsewhere, as NDJSON with `--json`. */
export async function watchTask(context: Context, finetune: FineTuning, task: LocalTask): Promise<void> {
  const { out, signal } = context
  const show = out.json ? asJson(context) : process.stdout.isTTY ? drawn() : asLines(context)
  const events: TaskEvent[] = []
  for await (const event of finetune.follow(task, signal)) {
    events.push(event)
    show(event, events)
  }
  show(null, events)
}

type Show = (event: TaskEvent | null, events: readonly TaskEvent[]) => void

const asJson =
  ({ out }: Context): Show =>
  (event) => {
    if (event) out.result(event, () => '')
  }

function asLines({ out }: Context): Show {
  let shown = -1
  return (event) => {
    if (event?.event === 'state') return out.note(`State: ${event.state}`)
    const { step, steps, loss } = (event ?? {}) as { step?: number; steps?: number; loss?: number }
    if (event?.event !== 'step' || !step || !steps) return
    const part = Math.floor(step / steps / LINE_SHARE)
    if (part === shown) return
    shown = part
    out.note(`step ${step} of ${steps}, loss ${loss?.toFixed(4) ?? 'unknown'}`)
  }
}

/** Draws over what it drew before. */
function drawn(): Show {
  let lines = 0
  let at = 0
  return (event, events) => {
    if (event && Date.now() - at < FRAME_MS) return
    at = Date.now()
    const text = frame(events, Math.min(process.stdout.columns || MAX_WIDTH, MAX_WIDTH))
    process.stdout.write(`${lines > 0 ? `\u001b[${lines}A\u001b[J` : ''}${text}\n`)
    lines = text.split('\n').length
  }
}

/** One picture: state, bar, figures, curve; no line is wider than `width`. */
export function frame(events: readonly TaskEvent[], width: number): string {
  const curve = curveOf(events)
  const state = events.findLast(({ event }) => event === 'state')?.state ?? ''
  const step = curve.points.at(-1)?.step ?? 0
  const share = curve.steps ? step / curve.steps : 0
  const head = `${String(state).padEnd(17)}${progressBar(share, width - 23)} ${String(Math.round(share * 100)).padStart(3)} %`
  return [head, figuresLine(curve, step), lossChart(curve.points, curve.steps ?? step, width, CHART_HEIGHT)]
    .filter((part) => part !== '')
    .map((part) =>
      part
        .split('\n')
        .map((line) => line.slice(0, width))
        .join('\n'),
    )
    .join('\n')
}

function figuresLine({ steps, lossLast, tokensPerSecond, etaSeconds, isDone }: Curve, step: number): string {
  return [
    ...(steps ? [`step ${step}/${steps}`] : []),
    ...(lossLast !== null ? [`loss ${lossLast.toFixed(4)}`] : []),
    ...(tokensPerSecond !== null ? [`${Math.round(tokensPerSecond)} tokens/s`] : []),
    ...(etaSeconds !== null && !isDone ? [`${Math.ceil(etaSeconds)} s left`] : []),
  ].join('   ')
}
