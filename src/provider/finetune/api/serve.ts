import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../../base/errors.ts'
import { sameAddress } from '../../../base/hex.ts'
import { cancelTaskDigest } from '../../../protocol/finetune/signatures.ts'
import { isCancellable } from '../../../protocol/finetune/task.ts'
import { clientAddress } from '../../server/clientAddress.ts'
import { serveQuote } from '../../server/quote.ts'
import { sendJson, sendPreflight } from '../../server/respond.ts'
import type { Task } from '../task.ts'
import { createTask } from './createTask.ts'
import type { FineTuningDesk } from './desk.ts'
import { serveArtifact } from './download.ts'
import { serveEvents, serveLog } from './events.ts'
import { serveModelDescription, serveModelFile, serveModels } from './models.ts'
import { readJson } from './readJson.ts'
import { type FineTuningRoute, fineTuningRoute } from './route.ts'
import { assertSigned } from './signed.ts'
import { taskDocument } from './taskDocument.ts'
import { receiveDataset } from './upload.ts'

/**
 * Answers a request below `/finetune`.
 * @see provider-broker.md section 2.1
 * @throws AppError `route_unknown` (404), `method_not_allowed` (405), those of each route
 */
export async function serveFineTuning(
  req: IncomingMessage,
  res: ServerResponse,
  desk: FineTuningDesk,
): Promise<void> {
  const found = fineTuningRoute(req.method ?? '', req.url ?? '')
  if (!found) throw unknownRoute()
  if (req.method === 'OPTIONS') return sendPreflight(res)
  if (req.method !== found.method) throw wrongMethod(found.method)
  const { route } = found
  switch (route.name) {
    case 'quote':
      return serveQuote(req, res, desk.quotes, clientAddress(req, desk.trustProxy))
    case 'capabilities':
      return sendJson(res, 200, desk.capabilities)
    case 'models':
    case 'model':
      return serveModels(res, route.name === 'model' ? route.model : null, desk)
    case 'modelDescription':
      return serveModelDescription(res, route.model, desk)
    case 'modelFile':
      return serveModelFile(res, route.model, route.file, desk)
    case 'pending':
      return sendText(res, String((await desk.shop.store.unfinished()).filter(isWaiting).length))
    case 'createTask':
      return serveCreation(req, res, route, desk)
    case 'uploadDataset':
      return receiveDataset(req, res, route.user, desk)
    case 'tasks':
      return serveTasks(res, route, desk)
    case 'task':
      return sendJson(res, 200, await taskDocument(await taskOf(route, desk), desk))
    case 'cancel':
      return serveCancellation(req, res, await taskOf(route, desk), desk)
    case 'log':
      return serveLog(req, res, await taskOf(route, desk), route, desk)
    case 'events':
      return serveEvents(req, res, await taskOf(route, desk), route, desk)
    case 'download':
      return serveArtifact(req, res, await taskOf(route, desk), desk)
  }
}

/** What is delivered and only waits for its user is in nobody's way. */
const isWaiting = ({ state }: Pick<Task, 'state'>): boolean =>
  state !== 'Delivered' && state !== 'UserAcknowledged'

async function serveCreation(
  req: IncomingMessage,
  res: ServerResponse,
  { user }: Extract<FineTuningRoute, { name: 'createTask' }>,
  desk: FineTuningDesk,
): Promise<void> {
  // Strangers pay for what they make us check; whoever signed does not.
  const giveBack = desk.strangers.take(clientAddress(req, desk.trustProxy))
  const body = await readJson(req)
  const { id, isKnown } = await desk.turn.run(() => createTask(user, body, desk, giveBack))
  sendJson(res, isKnown ? 200 : 201, { id })
}

async function serveTasks(
  res: ServerResponse,
  { user, latest }: Extract<FineTuningRoute, { name: 'tasks' }>,
  desk: FineTuningDesk,
): Promise<void> {
  const tasks = await desk.shop.store.ofUser(user)
  const wanted = latest ? tasks.slice(0, 1) : tasks
  sendJson(res, 200, await Promise.all(wanted.map((task) => taskDocument(task, desk))))
}

async function serveCancellation(
  req: IncomingMessage,
  res: ServerResponse,
  task: Task,
  desk: FineTuningDesk,
): Promise<void> {
  const { signature } = ((await readJson(req)) ?? {}) as { signature?: unknown }
  assertSigned(task.user, cancelTaskDigest(task.id), signature)
  if (task.failure?.code !== 'cancelled') {
    if (!isCancellable(task.state)) throw tooLateToCancel(task)
    const failure = { code: 'cancelled', reason: 'The user cancelled it' }
    await desk.shop.store.change(task, { state: 'Failed', failure })
    await desk.worker.changed(task.id)
  }
  sendText(res, 'cancelled')
}

async function taskOf(
  { user, id }: { readonly user: string; readonly id: string },
  { shop }: FineTuningDesk,
): Promise<Task> {
  const task = await shop.store.find(id)
  if (task && sameAddress(task.user, user)) return task
  throw new AppError({
    code: 'task_not_found',
    message: `There is no task ${id} of this user here`,
    hint: 'Tasks are known to the provider that took them',
    next: '0g-compute finetune list',
    status: 404,
  })
}

function sendText(res: ServerResponse, text: string): void {
  res.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'access-control-allow-origin': '*',
  })
  res.end(text)
}

const unknownRoute = (): AppError =>
  new AppError({
    code: 'route_unknown',
    message: 'There is no such endpoint',
    hint: 'Fine-tuning is below /finetune/v1; GET /finetune/v1/capabilities lists what is offered',
    status: 404,
  })

const wrongMethod = (expected: string): AppError =>
  new AppError({
    code: 'method_not_allowed',
    message: `This endpoint takes ${expected} only`,
    status: 405,
    details: { allow: expected },
  })

const tooLateToCancel = ({ state }: Task): AppError =>
  new AppError({
    code: 'task_not_cancellable',
    message: `The task is ${state}: it can be cancelled before training begins`,
    hint: 'A delivery can still be rejected, for the stated penalty',
    next: '0g-compute finetune status',
    status: 409,
  })
