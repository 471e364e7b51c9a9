import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { runSoak } from './soak/runSoak.ts'

/**
 * `npm run soak`: a broker at half of its capacity for ten minutes. Its memory at the end is set against that of
 * minute two, and its open descriptors against those of then. `-- --json` prints one object.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, minutes: { type: 'string', default: '10' } },
})
const report = await runSoak(Number(values.minutes))
const results = [
  { id: 'rssMinute2', subject: 'ours', value: report.rssEarly, unit: 'MB' },
  { id: 'rssEnd', subject: 'ours', value: report.rssEnd, unit: 'MB' },
  { id: 'descriptors', subject: 'ours', value: report.descriptors, unit: 'count' },
]
if (values.json) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node }
  const at = new Date().toISOString()
  console.log(JSON.stringify({ bench: 'soak', at, machine, versions: { ours: version }, results }))
} else {
  for (const { id, value, unit } of results) console.log(`${id.padEnd(14)} ${value.toFixed(1)} ${unit}`)
  const change = (100 * (report.rssEnd - report.rssEarly)) / report.rssEarly
  console.log(`memory changed by ${change.toFixed(1)} % in ${report.minutes.toFixed(1)} minutes`)
  console.log(
    `${report.answered} answers, ${report.failed} failed; ${report.rate.toFixed(0)}/s, capacity ${report.capacity.toFixed(0)}/s`,
  )
}
