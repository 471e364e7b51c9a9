import type { Result } from './report.ts'

const WIDTH = 760
const LABEL = 210
const FIGURE = 130
const ROW = 20
const TITLE = 34
const BARS = WIDTH - LABEL - FIGURE

/** Bars for people, one panel for each id that has more than one subject, each panel with its own scale; as SVG. */
export function chart(title: string, results: readonly Result[]): string {
  const panels = Object.values(Object.groupBy(results, ({ id }) => id) as Record<string, Result[]>).filter(
    (panel) => panel.filter(({ value }) => value !== null).length > 1,
  )
  const parts: string[] = []
  let y = 30
  for (const panel of panels) {
    parts.push(
      `<text x="0" y="${y + 14}" class="id">${escaped(panel[0]!.id)} (${escaped(panel[0]!.unit)})</text>`,
    )
    y += TITLE - 10
    const most = Math.max(...panel.map(({ value }) => value ?? 0))
    for (const { subject, value, unit } of panel.toSorted(byValue)) {
      const length = value === null || most <= 0 ? 0 : Math.max(1, (Math.max(0, value) / most) * BARS)
      const kind = subject.startsWith('ours') ? 'ours' : 'peer'
      parts.push(
        `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escaped(subject)}</text>`,
        `<rect x="${LABEL}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW - 6}" class="${kind}"/>`,
        `<text x="${LABEL + length + 6}" y="${y + 14}">${value === null ? 'not run' : figure(value, unit)}</text>`,
      )
      y += ROW
    }
    y += 14
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">
<style>text{font:12px system-ui,sans-serif;fill:#222}.id{font-weight:600}.ours{fill:#7a3ff2}.peer{fill:#b8bcc6}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="0" y="16" class="id">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`
}

/** Whole numbers of what is counted, three digits of what is measured. */
export function figure(value: number, unit: string): string {
  if (unit === 'gas' || unit === 'count') return Math.round(value).toLocaleString('en')
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

const byValue = (a: Result, b: Result): number => (a.value ?? Infinity) - (b.value ?? Infinity)

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
