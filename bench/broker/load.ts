import { Pool } from 'undici'
import type { Subject } from './subjects.ts'

/** What one run of whole answers showed. Times in ms, sorted. */
export interface WholeRun {
  readonly times: readonly number[]
  readonly perSecond: number
}

/** What one run of streams showed. Times in ms. */
export interface StreamRun {
  /** From the request to the first frame, a stream each. */
  readonly firstFrame: readonly number[]
  /** From the engine's writing to this process' reading, a frame each, the first of a stream left out. */
  readonly onTheWay: readonly number[]
  /** Streams of which every frame arrived. */
  readonly complete: number
}

export const FRAMES = 64

const QUESTION = {
  model: 'bench',
  messages: [{ role: 'user', content: 'Say something of use.' }],
  max_tokens: 80,
}

/** `connections` keep-alive connections, each asking again when it has its answer, for `durationMs`. */
export async function askWhole(subject: Subject, connections: number, durationMs: number): Promise<WholeRun> {
  const pool = new Pool(subject.origin, { connections, pipelining: 1 })
  const body = JSON.stringify(QUESTION)
  const times: number[] = []
  const startedAt = performance.now()
  const until = startedAt + durationMs
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      const headers = subject.headers(connection)
      while (performance.now() < until) {
        const sentAt = performance.now()
        const answer = await pool.request({ method: 'POST', path: subject.path, headers, body })
        const text = await answer.body.text()
        if (answer.statusCode !== 200) throw new Error(`${subject.name}: ${answer.statusCode} ${text}`)
        times.push(performance.now() - sentAt)
      }
    }),
  )
  const perSecond = (times.length * 1000) / (performance.now() - startedAt)
  await pool.close()
  return { times: times.sort((a, b) => a - b), perSecond }
}

/** That many streams, all open at once. */
export async function askStreams(subject: Subject, count: number): Promise<StreamRun> {
  const pool = new Pool(subject.origin, { connections: count, pipelining: 1 })
  const body = JSON.stringify({ ...QUESTION, stream: true, stream_options: { include_usage: true } })
  const firstFrame: number[] = []
  const onTheWay: number[] = []
  let complete = 0
  await Promise.all(
    Array.from({ length: count }, async (_, connection) => {
      const headers = subject.headers(connection)
      const sentAt = performance.now()
      const answer = await pool.request({ method: 'POST', path: subject.path, headers, body })
      if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode} to a stream`)
      let frames = 0
      let text = ''
      for await (const chunk of answer.body) {
        const now = process.hrtime.bigint()
        if (!frames) firstFrame.push(performance.now() - sentAt)
        text += chunk
        if (!text.includes('\n\n')) continue
        const stamps = [...text.slice(0, text.lastIndexOf('\n\n')).matchAll(/"content"\s*:\s*"(\d+) "/g)]
        for (const [, stamp] of stamps) {
          if (frames++) onTheWay.push(Number(now - BigInt(stamp as string)) / 1e6)
        }
        const end = text.lastIndexOf('\n\n')
        if (end >= 0) text = text.slice(end + 2)
      }
      if (frames === FRAMES) complete++
    }),
  )
  await pool.close()
  return { firstFrame, onTheWay, complete }
}
