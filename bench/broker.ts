import { setTimeout as sleep } from 'node:timers/promises'
import { askStreams, askWhole } from './broker/load.ts'
import { type Absent, ours, PEERS, type Subject, startEngine } from './broker/subjects.ts'
import { buildCopy } from './cli/packed.ts'
import { type Result, report } from './report.ts'

/**
 * `npm run bench:broker`: what this broker adds with everything on, beside proxies and gateways before the same
 * engine. Rounds are interleaved, so that a busy machine is busy for all; figures are medians over the rounds. This
 * broker runs as its users run it: built, and in a process of its own, whose memory and CPU time are what counts.
 * `--rounds N`, `--only a,b`; `--memory` is this broker's memory alone, in two minutes.
 */
const memoryOnly = process.argv.includes('--memory')
const rounds = memoryOnly ? 0 : Number(option('rounds') ?? 5)
const only = option('only')?.split(',')
const CONNECTIONS = [1, 16, 64, 256]
const WHOLE_MS = 1500
/** Until then code that runs for weeks is still being compiled. Who is slower than that is warm after so many ms. */
const WARM_ANSWERS = 25_000
const WARM_MS = 15_000
const STREAMS_TIMED = 20
const STREAMS_HELD = 1000
/** Nothing is asked for so long after the last stream, then what is still held is read. */
const IDLE_MS = 30_000
if (memoryOnly && process.argv.includes('--save')) throw new Error('--memory is a part: it is not saved')

const built = buildCopy()
process.once('exit', () => built.remove())
const engine = await startEngine()
const enginePort = Number(new URL(engine.origin).port)
const started: Subject[] = [engine]
const absent: Absent[] = []
const others = memoryOnly ? [] : [ours(built.program, 'postgres'), ...PEERS]
for (const start of [ours(built.program, 'sqlite'), ...others]) {
  const one = await start(enginePort)
  if ('why' in one) absent.push(one)
  else if (only && !only.includes(one.name)) await one.stop()
  else started.push(one)
}

type Figures = Map<string, number[]>
/** Who does not stream here, and why. */
const streamFaults = new Map<Subject, string>()
const figures = new Map<Subject, Figures>(started.map((subject) => [subject, new Map()]))
const note = (subject: Subject, id: string, value: number) => {
  const own = figures.get(subject) as Figures
  own.set(id, [...(own.get(id) ?? []), value])
}

try {
  for (const subject of started) {
    await warmUp(subject)
    await askStreams(subject, STREAMS_TIMED).catch((error: Error) => streamFaults.set(subject, error.message))
    note(subject, 'rssIdle', subject.memory() / 1e6)
  }
  for (let round = 0; round < rounds; round++) for (const subject of started) await oneRound(subject)
  for (const subject of started) await holdStreams(subject)
  await sleep(IDLE_MS)
  for (const subject of started)
    if (!streamFaults.has(subject)) note(subject, 'rssRecovered', subject.memory() / 1e6)
} finally {
  for (const subject of started.reverse()) await subject.stop()
}
report({ bench: 'broker', results: results(), versions: versions() })

async function warmUp(subject: Subject): Promise<void> {
  const until = performance.now() + WARM_MS
  for (let answers = 0; answers < WARM_ANSWERS && performance.now() < until; )
    answers += (await askWhole(subject, 16, WHOLE_MS)).times.length
}

async function oneRound(subject: Subject): Promise<void> {
  const frontier: { readonly p99: number; readonly perSecond: number }[] = []
  for (const connections of CONNECTIONS) {
    const before = subject.cpu()
    const { times, perSecond } = await askWhole(subject, connections, WHOLE_MS)
    note(subject, `cpuC${connections}`, ((subject.cpu() - before) * 1e6) / times.length)
    const p99 = quantile(times, 0.99)
    frontier.push({ p99, perSecond })
    note(subject, `p50c${connections}`, quantile(times, 0.5))
    note(subject, `p99c${connections}`, p99)
    note(subject, `rpsC${connections}`, perSecond)
  }
  for (const bound of [5, 10, 50]) {
    const within = frontier.filter(({ p99 }) => p99 <= bound).map(({ perSecond }) => perSecond)
    note(subject, `rpsP99under${bound}`, Math.max(0, ...within))
  }
  if (streamFaults.has(subject)) return
  const { firstFrame, onTheWay } = await askStreams(subject, STREAMS_TIMED)
  note(subject, 'ttft', median(firstFrame))
  note(subject, 'interToken', median(onTheWay))
}

async function holdStreams(subject: Subject): Promise<void> {
  if (streamFaults.has(subject)) return
  let loaded = 0
  const sampling = setInterval(() => {
    loaded = Math.max(loaded, subject.memory())
  }, 100)
  const { complete } = await askStreams(subject, STREAMS_HELD)
  clearInterval(sampling)
  note(subject, 'streams', complete)
  note(subject, 'rssLoaded', loaded / 1e6)
}

function results(): Result[] {
  const direct = figures.get(engine) as Figures
  const list: Result[] = []
  for (const subject of started.toReversed()) {
    const own = figures.get(subject) as Figures
    const add = (id: string, unit: string, values: readonly number[] = []) => {
      const common = { id, subject: subject.name, unit }
      const why = streamFaults.get(subject)
      if (values.length === 0 && why) list.push({ ...common, value: null, why })
      else list.push({ ...common, value: median(values), spread: [Math.min(...values), Math.max(...values)] })
    }
    const added = (id: string) => own.get(id)?.map((value, round) => value - (direct.get(id)?.[round] ?? 0))
    if (subject !== engine && !memoryOnly) {
      for (const connections of CONNECTIONS) {
        add(`addedP50c${connections}`, 'ms', added(`p50c${connections}`))
        add(`addedP99c${connections}`, 'ms', added(`p99c${connections}`))
      }
      add('ttftAdded', 'ms', added('ttft'))
      add('interTokenAdded', 'ms', added('interToken'))
    }
    if (!memoryOnly) {
      for (const connections of CONNECTIONS)
        add(`rpsC${connections}`, 'requests/s', own.get(`rpsC${connections}`))
      for (const connections of CONNECTIONS) add(`cpuC${connections}`, 'µs', own.get(`cpuC${connections}`))
      for (const bound of [5, 10, 50])
        add(`rpsP99under${bound}`, 'requests/s', own.get(`rpsP99under${bound}`))
    }
    add('streams', 'count', own.get('streams'))
    add('rssIdle', 'MB', own.get('rssIdle'))
    add('rssLoaded', 'MB', own.get('rssLoaded'))
    add('rssRecovered', 'MB', own.get('rssRecovered'))
  }
  for (const { name, why } of absent)
    list.push({ id: 'addedP50c1', subject: name, value: null, unit: 'ms', why })
  return list
}

function versions(): Record<string, string> {
  return Object.fromEntries(started.flatMap(({ name, version }) => (version ? [[name, version]] : [])))
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
