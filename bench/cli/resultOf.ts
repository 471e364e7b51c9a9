import type { Result } from '../report.ts'

/** The median of some measurements, with their range. */
export function resultOf(id: string, values: readonly number[], unit: string): Result {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const value = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { id, subject: 'ours', value, unit, spread: [sorted[0]!, sorted.at(-1)!] }
}
