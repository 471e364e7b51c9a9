import type { ChalkInstance } from 'chalk'
import type { Finding } from '../../client/dataset/findings.ts'
import type { LengthReport } from '../../client/dataset/lengths.ts'
import type { DatasetReport } from '../../client/dataset/validateDataset.ts'

/** A dataset's report for people: what it is, what was found, how long its examples are. */
export function renderReport(report: DatasetReport, paint: ChalkInstance): string {
  const { examples, sampleFormat, format, bytes, findings, lengths, valid } = report
  const what = `${examples} ${examples === 1 ? 'example' : 'examples'}`
  const kind = sampleFormat ? ` of the format ${sampleFormat}` : ''
  return [
    `${what}${kind} in ${bytes} bytes of ${format.toUpperCase()}`,
    '',
    ...(findings.length
      ? findings.map((finding) => findingLine(finding, paint))
      : ['Nothing was found wrong.']),
    ...(examples ? ['', ...histogram(lengths)] : []),
    '',
    valid ? paint.green('It can be trained on.') : paint.red('It cannot be trained on as it is.'),
  ].join('\n')
}

function findingLine({ severity, message, count, lines }: Finding, paint: ChalkInstance): string {
  const shown = lines.slice(0, 10).join(', ')
  const more = count > Math.min(lines.length, 10) ? ', …' : ''
  const mark = severity === 'error' ? paint.red('error  ') : paint.yellow('warning')
  return `${mark} ${String(count).padStart(7)} × ${message} ${paint.dim(`(${count === 1 ? 'line' : 'lines'} ${shown}${more})`)}`
}

const WIDTH = 40

function histogram({ unit, histogram, shortest, longest, mean }: LengthReport): string[] {
  const most = Math.max(...histogram.map(({ count }) => count))
  const width = String(histogram.at(-1)!.to).length
  const bars = histogram.map(({ to, count }) => {
    const bar = '█'.repeat(Math.ceil((count / most) * WIDTH))
    return `  below ${String(to).padStart(width)}  ${bar.padEnd(WIDTH)}  ${count}`
  })
  return [`Lengths in ${unit}: from ${shortest} to ${longest}, ${mean} on average`, ...bars]
}
