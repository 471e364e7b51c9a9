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
  const done = events.findLast(({ event }) => event === 'done')
  const last = events.findLast(({ event }) => event === 'step')
  const started = events.findLast(({ event }) => event === 'started')
  return {
    points,
    steps: numberOf(done?.steps) ?? numberOf(last?.steps) ?? numberOf(started?.steps),
    lossFirst: numberOf(done?.lossFirst) ?? points[0]?.loss ?? null,
    lossLast: numberOf(done?.lossLast) ?? points.at(-1)?.loss ?? null,
    tokensPerSecond: numberOf(last?.tokensPerSecond),
    etaSeconds: done ? 0 : numberOf(last?.etaSeconds),
    isDone: done !== undefined,
  }
}

const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null
