import type { CurvePoint } from '../../client/finetune/curve.ts'

/** Dots of a Braille cell by column and row, from the top. @see https://www.unicode.org/charts/PDF/U2800.pdf */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const
const BLANK = 0x2800
const LABEL = 8

/**
 * The loss by step, drawn in Braille: two dots a character across, four down.
 * @param width of the whole chart in characters, with its labels
 */
export function lossChart(
  points: readonly CurvePoint[],
  steps: number,
  width: number,
  height: number,
): string {
  const columns = width - LABEL - 1
  if (points.length === 0 || columns < 10) return ''
  const losses = points.map(({ loss }) => loss)
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const span = high - low || 1
  const cells = Array.from({ length: height }, () => new Array<number>(columns).fill(0))
  const mark = (x: number, y: number) => {
    cells[y >> 2]![x >> 1]! |= DOTS[(x & 1) as 0 | 1][(y & 3) as 0 | 1 | 2 | 3]
  }
  const place = ({ step, loss }: CurvePoint): [number, number] => [
    Math.round(((step - 1) / Math.max(1, steps - 1)) * (columns * 2 - 1)),
    Math.round(((high - loss) / span) * (height * 4 - 1)),
  ]
  let [fromX, fromY] = place(points[0]!)
  for (const point of points) {
    const [x, y] = place(point)
    const length = Math.max(Math.abs(x - fromX), Math.abs(y - fromY), 1)
    for (let i = 0; i <= length; i++) {
      mark(fromX + Math.round(((x - fromX) * i) / length), fromY + Math.round(((y - fromY) * i) / length))
    }
    ;[fromX, fromY] = [x, y]
  }
  const rows = cells.map((row, i) => {
    const label = i === 0 ? high.toFixed(3) : i === height - 1 ? low.toFixed(3) : ''
    const drawn = row.map((dots) => String.fromCharCode(BLANK + dots)).join('')
    return `${label.padStart(LABEL - 1)} ┤${drawn}`
  })
  const ends = `step 1${String(steps).padStart(columns - 6)}`
  return [...rows, `${' '.repeat(LABEL + 1)}${ends}`].join('\n')
}

/** A bar of so many characters, filled by a share from 0 to 1. */
export function progressBar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
