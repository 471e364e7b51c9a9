import { larger } from '../../base/bigint.ts'
import { format0G } from '../../base/units.ts'

const WIDTH = 40
/** Eighths of a character. */
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** One bar a line, the longest 40 characters. Amounts in neuron, shown in 0G. */
export function barChart(bars: readonly (readonly [label: string, amount: bigint])[]): string {
  const most = bars.reduce((most, [, amount]) => larger(most, amount), 0n)
  return bars
    .map(([label, amount]) => {
      const eighths = most === 0n ? 0 : Number((amount * BigInt(WIDTH * 8)) / most)
      const bar = '█'.repeat(Math.floor(eighths / 8)) + PARTS[eighths % 8]
      return `${label}  ${(amount > 0n && !bar ? PARTS[1]! : bar).padEnd(WIDTH)}  ${amount > 0n ? format0G(amount) : '-'}`
    })
    .join('\n')
}
