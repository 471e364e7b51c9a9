import { format0G } from '../../base/units.ts'
import type { Curve } from '../../client/finetune/curve.ts'
import type { TaskView } from '../../client/finetune/fineTuning.ts'

const WIDTH = 760
const HEIGHT = 320
const MARGIN = { left: 60, right: 16, top: 16, bottom: 36 }

/** A page that stands alone: the curve as SVG, and what is known of the task. */
export function reportPage({ local, seen, escrow }: TaskView, curve: Curve): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Task', local.taskId ?? local.key],
    ['Model', local.model ?? 'from scratch'],
    ['Method', local.method],
    ['Provider', local.provider],
    ['Tokens a pass', String(seen?.tokens ?? local.tokens)],
    ['Fee', `${format0G(escrow?.fee || BigInt(local.maxFee))} 0G`],
    ['Parameters', local.request.trainingParams],
    ['Steps', String(curve.steps ?? 'unknown')],
    ['Loss', `${number(curve.lossFirst)} → ${number(curve.lossLast)}`],
    ['Dataset', local.request.datasetHash],
    ['Delivered file', local.checkedRoot ?? 'not yet'],
  ]
  const table = rows.map(
    ([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Training of ${escapeHtml(local.model ?? 'a model from scratch')}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: ${WIDTH}px; margin: 2rem auto; padding: 0 1rem; color: #1c1c1e; background: #fff }
  h1 { font-size: 1.3rem } table { border-collapse: collapse; margin-top: 1.5rem } svg { width: 100%; height: auto }
  th { text-align: left; font-weight: 500; color: #6b6b70; padding-right: 1.5rem; vertical-align: top; white-space: nowrap }
  td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
  @media (prefers-color-scheme: dark) { body { color: #eee; background: #17171a } th { color: #a0a0a8 } }
</style>
<h1>Training of ${escapeHtml(local.model ?? 'a model from scratch')}</h1>
${chart(curve)}
<table>
${table.join('\n')}
</table>
</html>
`
}

function chart({ points, steps }: Curve): string {
  if (points.length === 0) return '<p>No figures yet.</p>'
  const evals = points.flatMap(({ step, evalLoss }) => (evalLoss === null ? [] : [{ step, loss: evalLoss }]))
  const losses = [...points, ...evals].map(({ loss }) => loss)
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const last = steps ?? points.at(-1)!.step
  const x = (step: number) =>
    MARGIN.left + ((step - 1) / Math.max(1, last - 1)) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (loss: number) =>
    MARGIN.top + ((high - loss) / (high - low || 1)) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const line = (of: readonly { step: number; loss: number }[], color: string) =>
    `<polyline fill="none" stroke="${color}" stroke-width="2" points="${of
      .map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`)
      .join(' ')}"/>`
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const value = low + share * (high - low)
    return `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" stroke="currentColor" opacity="0.15"/><text x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(3)}</text>`
  })
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Loss by step" font-size="12" fill="currentColor">
${grid.join('\n')}
${line(points, '#3b6fe0')}
${evals.length > 1 ? line(evals, '#d0662b') : ''}
<text x="${MARGIN.left}" y="${HEIGHT - 8}">step 1</text><text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 8}" text-anchor="end">${last}</text>
<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">loss${evals.length > 1 ? ', and on held-out samples (orange)' : ''}</text>
</svg>`
}

const number = (value: number | null): string => (value === null ? 'unknown' : value.toFixed(4))

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)
