import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../../base/errors.ts'
import { downloadDigest } from '../../../protocol/finetune/signatures.ts'
import type { Task } from '../task.ts'
import type { FineTuningDesk } from './desk.ts'
import { readJson } from './readJson.ts'
import { assertSignedNow } from './signed.ts'

/** The sealed model, for its owner: whole, or from a byte on. */
export async function serveArtifact(
  req: IncomingMessage,
  res: ServerResponse,
  task: Task,
  { shop }: FineTuningDesk,
): Promise<void> {
  const body = ((await readJson(req)) ?? {}) as { timestamp: unknown; signature: unknown }
  assertSignedNow(task.user, (at) => downloadDigest(task.id, at), body, shop.now())
  if (!task.delivery || !shop.vault.has(task.id, 'artifact')) throw notThere(task)
  const { bytes, root } = task.delivery
  const { from, to } = rangeOf(req.headers.range, bytes)
  const isPart = req.headers.range !== undefined
  res.writeHead(isPart ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': to - from + 1,
    'accept-ranges': 'bytes',
    etag: `"${root}"`,
    ...(isPart && { 'content-range': `bytes ${from}-${to}/${bytes}` }),
  })
  const file = createReadStream(shop.vault.taskPath(task.id, 'artifact'), { start: from, end: to })
  await pipeline(file, res).catch(() => res.destroy())
}

/** @throws AppError `range_invalid` (416) */
function rangeOf(header: string | undefined, bytes: number): { readonly from: number; readonly to: number } {
  if (header === undefined) return { from: 0, to: bytes - 1 }
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header)
  const from = Number(match?.[1])
  const to = match?.[2] ? Math.min(Number(match[2]), bytes - 1) : bytes - 1
  if (match && from <= to) return { from, to }
  throw new AppError({
    code: 'range_invalid',
    message: `The model has ${bytes} bytes; the range does not lie in them`,
    hint: 'Ask for bytes=N- with N below that, or for all of it',
    status: 416,
    details: { bytes },
  })
}

const notThere = ({ state, delivery }: Task): AppError =>
  new AppError({
    code: delivery ? 'artifact_destroyed' : 'artifact_not_ready',
    message: delivery
      ? 'The sealed model was destroyed: its time on this provider is over'
      : `There is no model yet: the task is ${state}`,
    hint: delivery ? 'A model that was downloaded is not affected' : 'Wait until it is delivered',
    next: '0g-compute finetune status',
    status: delivery ? 410 : 409,
    retryable: !delivery,
  })
