import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../../base/errors.ts'
import type { Gate } from '../../server/gate.ts'
import { readBody } from '../../server/readBody.ts'
import { assertBodySigned } from '../../server/requestSignatures.ts'
import { sendJson, sendPreflight } from '../../server/respond.ts'
import type { AdapterDesk } from '../adapters/adapterDesk.ts'
import { ADAPTERS_PATH } from './isFineTuning.ts'

const MAX_BODY = 4096
const NAMED = /^\/([\w.:-]{1,300})$/

/**
 * Lists, deploys and removes the caller's own models.
 * @see provider-broker.md section 1.5
 * @throws AppError `token_…` (401), `adapter_not_found` (404), `adapters_full` (503)
 */
export async function serveAdapters(
  req: IncomingMessage,
  res: ServerResponse,
  desk: AdapterDesk,
  gate: Gate,
): Promise<void> {
  if (req.method === 'OPTIONS') return sendPreflight(res)
  const { claims, signed } = gate.caller(req)
  const user = claims.address
  const below = (req.url ?? '').split('?')[0]!.slice(ADAPTERS_PATH.length)
  if (req.method === 'GET' && below === '') return sendJson(res, 200, { adapters: await desk.list(user) })
  const name = NAMED.exec(below)?.[1]
  if (req.method === 'GET' && name !== undefined) return sendJson(res, 200, await desk.find(user, name))
  if (req.method !== 'POST' || (name !== 'deploy' && name !== 'remove')) throw unknown()
  const raw = await readBody(req, MAX_BODY)
  assertBodySigned(signed, createHash('sha256').update(raw).digest('hex'))
  const adapterName = await namedIn(raw, desk, user)
  if (name === 'remove') {
    await desk.remove(user, adapterName)
    return sendJson(res, 200, { status: 'removed', adapterName })
  }
  await desk.deploy(user, adapterName)
  sendJson(res, 200, { status: 'deploying', adapterName, message: 'It is being loaded' })
}

/** By its name, or by the task that made it. */
async function namedIn(raw: Buffer, desk: AdapterDesk, user: `0x${string}`): Promise<string> {
  const { adapterName, taskId } = parse(raw)
  if (typeof adapterName === 'string') return adapterName
  const found = (await desk.list(user)).find((adapter) => adapter.taskId === taskId)
  return found?.adapterName ?? String(taskId)
}

function parse(raw: Buffer): { adapterName?: unknown; taskId?: unknown } {
  try {
    return (JSON.parse(raw.toString('utf8')) ?? {}) as object
  } catch {
    throw new AppError({ code: 'json_invalid', message: 'The request body is not JSON', status: 400 })
  }
}

const unknown = (): AppError =>
  new AppError({
    code: 'route_unknown',
    message: 'There is no such endpoint',
    hint: 'GET /v1/lora/adapters lists your models; deploy and remove take POST',
    status: 404,
  })
