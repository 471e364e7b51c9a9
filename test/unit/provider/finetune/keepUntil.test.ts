import { expect, it } from 'vitest'
import { keepUntil } from '../../../../src/provider/finetune/worker/collect.ts'
import type { Workshop } from '../../../../src/provider/finetune/workshop.ts'

const HOUR = 3_600_000
const DELIVERED = 1_800_000_000_000

it('keeps a model for the retention counted from its delivery, and an hour after its key came', () => {
  const until = (finishedAfterHours: number, retentionHours: number) => {
    const now = () => DELIVERED + finishedAfterHours * HOUR
    const limits = { retentionSeconds: retentionHours * 3600 } as Workshop['limits']
    return (keepUntil({ deliveredAtSeconds: DELIVERED / 1000 }, { now, limits }) - DELIVERED) / HOUR
  }
  expect(until(1, 72)).toBe(72)
  expect(until(48, 72)).toBe(72)
  expect(until(80, 72)).toBe(81)
  expect(until(1, 0.5)).toBe(1.5)
})
