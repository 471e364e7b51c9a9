import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/postgres.ts'
import { type ChaosReport, runChaos } from './chaos/runChaos.ts'
import { preparePostgres } from './test/postgres.ts'

/**
 * `npm run chaos`: kills, lost answers and reorganisations, then nothing may be missing and nothing paid twice.
 * Once on SQLite, once with two replicas on PostgreSQL whose clocks differ. `-- --json` prints one object;
 * `-- --contracts theirs` settles by differences, on the live network's bytecode.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    requests: { type: 'string', default: '500' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    contracts: { type: 'string', default: 'ours' },
  },
})
const scale = {
  requests: Number(values.requests),
  kills: Number(values.kills),
  seed: Number(values.seed),
  contracts: values.contracts === 'theirs' ? ('theirs' as const) : ('ours' as const),
}

interface Result {
  readonly id: string
  readonly subject: 'ours' | 'ours-postgres'
  readonly value: number | string | null
  readonly why?: string
}

const IDS = ['requests', 'kills', 'difference', 'unpaid', 'paidTwice', 'lostReceipts'] as const
const MORE = ['accepted', 'receipts', 'reorganisations', 'conflicts'] as const

const sqlite = await runChaos({ ...scale, replicas: 1, database: null })
const [postgres, why] = await onPostgres()
const results = [...resultsOf('ours', sqlite), ...resultsOf('ours-postgres', postgres, why)]

if (values.json) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node }
  const at = new Date().toISOString()
  console.log(JSON.stringify({ bench: 'chaos', at, machine, versions: { ours: version }, results }))
} else {
  for (const { id, subject, value } of results) {
    console.log(`${id.padEnd(20)} ${subject.padEnd(14)} ${value ?? `not run: ${why}`}`)
  }
  console.log(`faults on SQLite: ${faultsOf(sqlite)}`)
  if (postgres) console.log(`faults on PostgreSQL: ${faultsOf(postgres)}`)
  console.log(`seed ${values.seed}`)
}

async function onPostgres(): Promise<[ChaosReport, undefined] | [null, string]> {
  const problem = await preparePostgres()
  if (problem) return [null, problem]
  const server = await startPostgres()
  try {
    return [await runChaos({ ...scale, replicas: 2, database: await server.create('chaos') }), undefined]
  } finally {
    await server.stop()
  }
}

function resultsOf(subject: Result['subject'], report: ChaosReport | null, why?: string): Result[] {
  return [...IDS, ...MORE].map((id) => {
    if (!report) return { id, subject, value: null, ...(why !== undefined && { why }) }
    const value = report[id]
    return { id, subject, value: typeof value === 'bigint' ? value.toString() : value }
  })
}

function faultsOf({ faults }: ChaosReport): string {
  return Object.entries(faults)
    .map(([fault, count]) => `${count} × ${fault}`)
    .join(', ')
}
