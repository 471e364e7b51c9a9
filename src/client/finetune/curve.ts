import type { TaskEvent } from '../../protocol/finetune/task.ts'

/** A line of the trainer's figures. */
export interface CurvePoint {
  readonly step: number
  readonly loss: number
  readonly evalLoss: number | null
  readonly learningRate: number | null
}

/** The course of a training. */
export interface Curve {
  readonly points: readonly CurvePoint[]
  /** Steps in all, as far as known. */
  readonly steps: number | null
  readonly lossFirst: number | null
  readonly lossLast: number | null
  /** The last tenth of it on average: single steps vary. */
  readonly lossAtEnd: number | null
  /** On examples that were kept out of training (`eval_share`): after the first pass, and at the end. */
  readonly heldOutFirst: number | null
  readonly heldOutLast: number | null
  readonly tokensPerSecond: number | null
  readonly etaSeconds: number | null
  readonly isDone: boolean
}

/** What events tell of the course. A training that was resumed tells its last steps twice: the later word holds. */
export function curveOf(events: readonly TaskEvent[]): Curve {
  const byStep = new Map<number, CurvePoint>()
  for (const event of events) {
    const [step, loss] = [numberOf(event.step), numberOf(event.loss)]
    if (event.event !== 'step' || step === null || loss === null) continue
    const [evalLoss, learningRate] = [numberOf(event.evalLoss), numberOf(event.learningRate)]
    byStep.set(step, { step, loss, evalLoss, learningRate })
  }
  const points = [...byStep.values()].sort((a, b) => a.step - b.step)
  const evaluated = points.flatMap(({ evalLoss }) => evalLoss ?? [])
  const done = events.findLast(({ event }) => event === 'done')
  const last = events.findLast(({ event }) => event === 'step')
  const started = events.findLast(({ event }) => event === 'started')
  return {
    points,
    steps: numberOf(done?.steps) ?? numberOf(last?.steps) ?? numberOf(started?.steps),
    lossFirst: numberOf(done?.lossFirst) ?? points[0]?.loss ?? null,
    lossLast: numberOf(done?.lossLast) ?? points.at(-1)?.loss ?? null,
    lossAtEnd: meanLoss(points.slice(-Math.ceil(points.length / 10))),
    heldOutFirst: evaluated[0] ?? null,
    heldOutLast: evaluated.at(-1) ?? null,
    tokensPerSecond: numberOf(last?.tokensPerSecond),
    etaSeconds: done ? 0 : numberOf(last?.etaSeconds),
    isDone: done !== undefined,
  }
}

const meanLoss = (points: readonly CurvePoint[]): number | null =>
  points.length > 0 ? points.reduce((sum, { loss }) => sum + loss, 0) / points.length : null

const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null
