import { describe, expect, it } from 'vitest'
import { lossChart, progressBar } from '../../../../src/cli/finetune/lossChart.ts'
import { frame } from '../../../../src/cli/finetune/watchTask.ts'
import { curveOf } from '../../../../src/client/finetune/curve.ts'
import { linesOf } from '../../../../src/client/finetune/linesOf.ts'
import type { TaskEvent } from '../../../../src/protocol/finetune/task.ts'

const events: TaskEvent[] = [
  { seq: 1, at: 0, event: 'state', state: 'Training' },
  { seq: 2, at: 0, event: 'started', steps: 100 },
  ...Array.from({ length: 50 }, (_, i) => ({
    seq: 3 + i,
    at: i,
    event: 'step',
    step: i + 1,
    steps: 100,
    loss: 4 * 0.9 ** i,
    tokensPerSecond: 1234.5,
    etaSeconds: 50 - i,
    ...(i === 49 && { evalLoss: 0.5 }),
  })),
]

describe('curve', () => {
  it('follows steps, and believes the later word of a step that was trained twice', () => {
    const again = { seq: 99, at: 99, event: 'step', step: 50, steps: 100, loss: 0.25 }
    const curve = curveOf([...events, again])
    expect(curve.points).toHaveLength(50)
    expect(curve.points.at(-1)).toMatchObject({ step: 50, loss: 0.25 })
    expect(curve).toMatchObject({ steps: 100, lossFirst: 4, lossLast: 0.25, isDone: false })
  })

  it('takes the trainer’s own word at the end', () => {
    const done = { seq: 100, at: 100, event: 'done', steps: 50, lossFirst: 3.9, lossLast: 0.02 }
    expect(curveOf([...events, done])).toMatchObject({
      steps: 50,
      lossFirst: 3.9,
      lossLast: 0.02,
      etaSeconds: 0,
      isDone: true,
    })
  })

  it('is empty where nothing was told, and takes nothing that is no number', () => {
    const odd = [
      { seq: 1, at: 0, event: 'step', step: 1, loss: Number.NaN },
      { seq: 2, at: 0, event: 'step', loss: 'x' },
    ]
    for (const of of [[], odd])
      expect(curveOf(of)).toMatchObject({ points: [], steps: null, lossFirst: null })
  })
})

describe('picture', () => {
  it('fits 80 columns, whatever is in it', () => {
    for (const width of [80, 60, 40]) {
      for (const line of frame(events, width).split('\n')) expect([...line].length).toBeLessThanOrEqual(width)
    }
    expect(frame([], 80)).toContain('0 %')
  })

  it('draws a falling loss from top left to bottom right', () => {
    const rows = lossChart(curveOf(events).points, 50, 80, 10).split('\n')
    expect(rows).toHaveLength(11)
    const inked = (row: string) => [...row].findIndex((c) => c > '\u2800' && c <= '\u28ff')
    expect(inked(rows[0]!)).toBeLessThan(inked(rows[9]!))
    expect(rows[0]).toContain('4.000')
    expect(rows[10]).toMatch(/step 1 +50$/)
  })

  it('fills a bar by its share, and no further', () => {
    expect([0, 0.5, 1, 7].map((share) => progressBar(share, 4))).toEqual(['░░░░', '██░░', '████', '████'])
  })
})

describe('lines', () => {
  it('are whole, however they came, and blank ones are left out', async () => {
    async function* pieces() {
      for (const text of ['{"a"', ':1}\n\n', '{"b":"é', '"}\r\n', 'end']) yield new TextEncoder().encode(text)
    }
    const lines: string[] = []
    for await (const line of linesOf(pieces())) lines.push(line.trim())
    expect(lines).toEqual(['{"a":1}', '{"b":"é"}', 'end'])
  })
})
