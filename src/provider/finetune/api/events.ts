import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../base/errors.ts'
import {
  parseTaskReadHeader,
  TASK_READ_HEADER,
  taskReadDigest,
} from '../../../protocol/finetune/signatures.ts'
import { isFinalState, type TaskEvent } from '../../../protocol/finetune/task.ts'
import type { Task } from '../task.ts'
import type { FineTuningDesk } from './desk.ts'
import { assertSignedNow } from './signed.ts'

/** Between looks for new events, ms. */
const LOOK_MS = 300
/** An empty line after so long without an event, ms. */
const ALIVE_MS = 15_000

/**
 * The log as text: the whole of it for its owner. The deployed client asks without a signature, and is shown what the
 * task itself shows to anybody: its states. With `follow` until the task is over.
 */
export async function serveLog(
  req: IncomingMessage,
  res: ServerResponse,
  task: Task,
  { follow }: { readonly follow: boolean },
  desk: FineTuningDesk,
): Promise<void> {
  const isOwner = req.headers[TASK_READ_HEADER] !== undefined
  if (isOwner) assertOwner(req, task, desk)
  res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  const lineOf = (event: TaskEvent) => (isOwner ? textOf(event) : event.state && stateTextOf(event))
  await write(res, task, { after: 0, follow, lineOf, alive: '' }, desk)
}

/** The events as NDJSON, for their owner; with `follow` until the task is over. */
export async function serveEvents(
  req: IncomingMessage,
  res: ServerResponse,
  task: Task,
  { after, follow }: { readonly after: number; readonly follow: boolean },
  desk: FineTuningDesk,
): Promise<void> {
  assertOwner(req, task, desk)
  res.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  const lineOf = (event: TaskEvent) => JSON.stringify(event)
  await write(res, task, { after, follow, lineOf, alive: '\n' }, desk)
}

interface Writing {
  readonly after: number
  readonly follow: boolean
  /** Undefined for an event that is not shown. */
  readonly lineOf: (event: TaskEvent) => string | undefined
  /** What is sent when nothing happens, so that nobody takes the connection for dead. */
  readonly alive: string
}

async function write(
  res: ServerResponse,
  task: Task,
  { after, follow, lineOf, alive }: Writing,
  { shop, closing }: FineTuningDesk,
): Promise<void> {
  res.flushHeaders()
  let writtenAt = Date.now()
  for (let seen = after; !res.destroyed; ) {
    // Looked at before the events: whatever led to the end is then among them.
    const current = await shop.store.find(task.id)
    const events = await shop.store.events(task.id, seen)
    for (const line of events.map(lineOf)) if (line) res.write(`${line}\n`)
    seen = events.at(-1)?.seq ?? seen
    if (events.length > 0) {
      writtenAt = Date.now()
      continue
    }
    if (!follow || closing.aborted || !current || isFinalState(current.state)) break
    if (alive && Date.now() - writtenAt > ALIVE_MS) {
      res.write(alive)
      writtenAt = Date.now()
    }
    await sleep(LOOK_MS)
  }
  res.end()
}

/** @throws AppError `task_read_unsigned`, `signature_expired`, `signature_invalid` (401) */
function assertOwner(req: IncomingMessage, task: Task, { shop }: FineTuningDesk): void {
  const given = req.headers[TASK_READ_HEADER]
  const header = typeof given === 'string' ? parseTaskReadHeader(given) : null
  if (!header) throw unsigned()
  const { timestampSeconds: timestamp, signature } = header
  assertSignedNow(task.user, (at) => taskReadDigest(task.id, at), { timestamp, signature }, shop.now())
}

function textOf({ seq: _, at, event, ...fields }: TaskEvent): string {
  const text = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [new Date(at).toISOString(), event, ...text].join(' ')
}

const stateTextOf = ({ seq, at, event, state }: TaskEvent): string =>
  textOf({ seq, at, event, ...(state && { state }) })

const unsigned = (): AppError =>
  new AppError({
    code: 'task_read_unsigned',
    message: 'The log of a task is for its owner alone',
    hint: 'Send the header ZG-Task-Read with a signature, as finetune logs does',
    next: '0g-compute finetune logs',
    status: 401,
  })
