import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Authority } from '../../src/provider/tee/simulated/authority.ts'
import { describe, type Machine, reportOf } from '../../src/provider/tee/simulated/machine.ts'
import { issueQuote } from '../../src/provider/tee/simulated/quote.ts'

export interface DstackStandIn {
  readonly socket: string
  /** Paths that were asked for, in order. */
  readonly calls: readonly string[]
  /** Events that were emitted. */
  readonly events: readonly { readonly event: string; readonly payload: string }[]
  /** Answers of its own instead of the honest ones, by path. */
  answers: Record<string, { status?: number; body: string }>
  stop(): Promise<void>
}

type Body = Readonly<Record<string, string>>

/**
 * Stands in for dstack's guest agent: speaks its protocol on a Unix socket, with keys that it makes up and quotes of
 * a simulated platform. There is no CVM behind it.
 */
export async function startDstackStandIn(
  dir: string,
  authority: Authority,
  machine: Machine,
): Promise<DstackStandIn> {
  const calls: string[] = []
  const events: { event: string; payload: string }[] = []
  const { eventLog, tcbInfo, vmConfig } = describe(machine)
  const honest: Record<string, (body: Body) => object | null> = {
    '/GetKey': ({ path }) => ({
      key: createHash('sha256').update(`app key ${path}`).digest('hex'),
      signature_chain: ['ab', 'cd'],
    }),
    '/GetQuote': ({ report_data: data = '' }) => {
      const reportData = Buffer.from(data.padEnd(128, '0'), 'hex')
      const quote = issueQuote(authority, reportOf(machine, reportData), { padding: 70 })
      return {
        quote: Buffer.from(quote).toString('hex'),
        event_log: eventLog,
        report_data: data,
        vm_config: vmConfig,
      }
    },
    '/Info': () => ({ app_id: 'ab', instance_id: 'cd', tcb_info: tcbInfo, vm_config: vmConfig }),
    '/EmitEvent': ({ event = '', payload = '' }) => {
      events.push({ event, payload })
      return null
    },
  }
  const standIn: DstackStandIn = {
    socket: join(dir, 'dstack.sock'),
    calls,
    events,
    answers: {},
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  const server = createServer(async (req, res) => {
    const path = req.url ?? ''
    let text = ''
    for await (const chunk of req) text += String(chunk)
    calls.push(path)
    const own = standIn.answers[path]
    const answer =
      own ??
      (honest[path] ? { body: bodyOf(honest[path](JSON.parse(text) as Body)) } : { status: 404, body: '' })
    res.writeHead(req.method === 'POST' ? (answer.status ?? 200) : 400).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(standIn.socket, resolve))
  return standIn
}

const bodyOf = (value: object | null): string => (value === null ? '' : JSON.stringify(value))
