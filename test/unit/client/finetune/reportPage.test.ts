import { describe, expect, it } from 'vitest'
import { reportPage } from '../../../../src/cli/finetune/reportPage.ts'
import { curveOf } from '../../../../src/client/finetune/curve.ts'
import type { LocalTask } from '../../../../src/client/finetune/localTask.ts'

const local = {
  key: 'k',
  taskId: 'beb6f0d8-4660-4c62-988d-00246ce913d2',
  model: '<script>alert(1)</script>',
  method: 'lora',
  provider: `0x${'1'.repeat(40)}`,
  maxFee: '1500000000000000000',
  tokens: 100,
  checkedRoot: null,
  request: { trainingParams: '{"a":"<b>&\\""}', datasetHash: `0x${'2'.repeat(64)}` },
} as unknown as LocalTask

describe('report', () => {
  const steps = Array.from({ length: 20 }, (_, i) => ({
    seq: i,
    at: 0,
    event: 'step',
    step: i + 1,
    steps: 20,
    loss: 2 / (i + 1),
    ...(i % 10 === 9 && { evalLoss: 3 / (i + 1) }),
  }))
  const page = reportPage({ local, seen: null, escrow: null }, curveOf(steps))

  it('is one page with both curves, that loads nothing', () => {
    expect(page.match(/<polyline/g)).toHaveLength(2)
    expect(page).toContain('2.0000 → 0.1000')
    expect(page).toContain('1.5 0G')
    expect(page).not.toMatch(/https?:|<script|<link|@import/)
  })

  it('shows names as they are, and never runs them', () => {
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).toContain('{&quot;a&quot;:&quot;&lt;b&gt;&amp;')
  })

  it('says so where there are no figures', () => {
    expect(reportPage({ local, seen: null, escrow: null }, curveOf([]))).toContain('No figures yet.')
  })
})
