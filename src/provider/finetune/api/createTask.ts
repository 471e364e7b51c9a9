import { randomUUID } from 'node:crypto'
import { AppError } from '../../../base/errors.ts'
import { type Address, type Hex, isAddress, sameAddress } from '../../../base/hex.ts'
import {
  recoverTaskOrder,
  type TaskOrder,
  taskOrderFromJson,
  taskOrderId,
} from '../../../protocol/finetune/order.ts'
import { checkParameters, parseParameters } from '../../../protocol/finetune/parameters.ts'
import { createTaskDigest } from '../../../protocol/finetune/signatures.ts'
import { parseSpec, specHash, type TaskSpec } from '../../../protocol/finetune/spec.ts'
import { NO_MODEL, type TaskRequest } from '../../../protocol/finetune/task.ts'
import type { TunableModel } from '../models.ts'
import type { Task } from '../task.ts'
import {
  datasetMissing,
  invalid,
  methodUnsupported,
  modelTooLarge,
  modelUnknown,
  ownTasksUnfinished,
  queueFull,
  sizesMissing,
  waitRequired,
} from './createErrors.ts'
import type { FineTuningDesk } from './desk.ts'
import { scratchParameters } from './scratchParameters.ts'
import { assertSigned } from './signed.ts'

/** A request that was read and checked by itself. */
interface Checked {
  readonly request: TaskRequest
  readonly publicKey: Hex
  readonly order: TaskOrder | null
  readonly spec: TaskSpec | null
  readonly model: TunableModel | null
}

export interface CreatedTask {
  readonly id: string
  /** It was there before. */
  readonly isKnown: boolean
}

/**
 * Takes a task: every check that can be made is made here, before anything is counted, opened or paid.
 * @throws AppError for each thing that is wrong, with the command that helps
 */
export async function createTask(
  user: Address,
  body: unknown,
  desk: FineTuningDesk,
  onSigned: () => void,
): Promise<CreatedTask> {
  const checked = check(user, body, desk)
  onSigned()
  const known = await sameTask(user, checked, desk)
  if (known) return { id: known.id, isKnown: true }
  await assertRoom(user, checked, desk)
  const { keys, store, node, chainOf } = desk.shop
  await assertDataset(user, checked, desk)
  const id = randomUUID()
  const fromBlock = await desk.contract.runner!.provider!.getBlockNumber()
  const { wrapped: wrappedKey } = keys.create(id)
  const draft = draftOf(user, checked, { id, node, wrappedKey, fromBlock })
  await chainOf(draft as Task).assertPayable(draft as Task, 0n)
  const task = await store.insert(draft)
  desk.worker.drive(task.id)
  return { id: task.id, isKnown: false }
}

function check(user: Address, body: unknown, desk: FineTuningDesk): Checked {
  const request = requestOf(body)
  if (!sameAddress(request.userAddress, user)) throw invalid('userAddress is not the one of the path')
  const digest = createTaskDigest(user, BigInt(request.nonce), request.datasetHash)
  const publicKey = assertSigned(user, digest, request.signature)
  checkParameters(parseParameters(request.trainingParams), 'wide')
  const spec = specIn(request)
  const order = orderIn(request, user, desk)
  const model = modelOf(request, spec, desk)
  return { request, publicKey, order, spec, model }
}

const HASH = /^0x[0-9a-fA-F]{64}$/
const MAX_TEXT = 64 * 1024

function requestOf(body: unknown): TaskRequest {
  const given = (typeof body === 'object' && body !== null ? body : {}) as TaskRequest
  const isText = (value: unknown) => typeof value === 'string' && value.length <= MAX_TEXT
  if (!isAddress(given.userAddress)) throw invalid('userAddress is no address')
  if (!isText(given.datasetHash) || !HASH.test(given.datasetHash)) throw invalid('datasetHash is no root')
  if (!isText(given.trainingParams)) throw invalid('trainingParams is no text')
  if (!HASH.test(String(given.preTrainedModelHash))) throw invalid('preTrainedModelHash is no hash')
  if (!/^[0-9]{1,34}$/.test(String(given.nonce))) throw invalid('nonce is no decimal number')
  if (given.spec !== undefined && !isText(given.spec)) throw invalid('spec is no text')
  const { userAddress, datasetHash, trainingParams, preTrainedModelHash, signature, spec, order } = given
  return {
    userAddress,
    datasetHash,
    trainingParams,
    preTrainedModelHash: preTrainedModelHash.toLowerCase(),
    fee: '0',
    nonce: String(given.nonce),
    signature,
    wait: given.wait === true,
    ...(spec !== undefined && { spec }),
    ...(order !== undefined && { order, orderSignature: given.orderSignature as Hex }),
  }
}

/** The description, which has to say what the deployed fields say. */
function specIn(request: TaskRequest): TaskSpec | null {
  if (request.spec === undefined) return null
  const spec = parseSpec(request.spec)
  if (!spec) throw invalid('spec is not a description in canonical form')
  const agrees =
    spec.model === request.preTrainedModelHash &&
    spec.dataset.root === request.datasetHash &&
    spec.parameters === request.trainingParams
  if (!agrees) throw invalid('spec names another model, dataset or parameters than the task')
  return spec
}

function orderIn(request: TaskRequest, user: Address, desk: FineTuningDesk): TaskOrder | null {
  if (request.order === undefined) return null
  if (!desk.hasEscrow) throw invalid('the contract here takes no orders')
  const order = readOrder(request.order)
  const { chainId, fineTuning } = desk.network
  if (!sameAddress(order.provider, desk.provider)) throw invalid('the order names another provider')
  if (!sameAddress(order.user, user)) throw invalid('the order names another user')
  if (!sameAddress(order.signer, desk.shop.tee.signer)) throw invalid('the order names another signer')
  if (request.spec === undefined || specHash(request.spec) !== order.task)
    throw invalid('the order is not for this description')
  const signer = recoverTaskOrder(chainId, fineTuning, order, String(request.orderSignature))
  if (!signer || !sameAddress(signer, user)) throw invalid('the order is not signed by its user', 401)
  assertWindows(order, desk)
  return order
}

function readOrder(value: unknown): TaskOrder {
  try {
    return taskOrderFromJson(value)
  } catch (error) {
    throw invalid((error as Error).message)
  }
}

function assertWindows(order: TaskOrder, { shop }: FineTuningDesk): void {
  const { minimumWindows } = shop.limits
  const trainSeconds = order.trainBy - Math.floor(shop.now() / 1000)
  const short =
    (trainSeconds < minimumWindows.train && 'train') ||
    (order.ackWindow < minimumWindows.acknowledge && 'acknowledge') ||
    (order.revealWindow < minimumWindows.reveal && 'reveal')
  if (!short) return
  throw new AppError({
    code: 'window_too_short',
    message: `The order gives less time to ${short} than this provider takes: ${minimumWindows[short]} s at least`,
    hint: 'Nothing was paid. The provider’s capabilities name the windows that it takes',
    next: '0g-compute finetune create --help',
    status: 400,
    details: { window: short, minimumSeconds: minimumWindows[short] },
  })
}

function modelOf(request: TaskRequest, spec: TaskSpec | null, desk: FineTuningDesk): TunableModel | null {
  const { models, limits } = desk.shop
  if (request.preTrainedModelHash === NO_MODEL) {
    if (!spec?.scratch || !desk.scratch) throw methodUnsupported('scratch')
    const parameters = scratchParameters(spec.scratch)
    if (parameters === null) throw sizesMissing()
    if (parameters > limits.scratchParameters) throw modelTooLarge(parameters, limits.scratchParameters)
    return null
  }
  const model = models.find(({ hash }) => hash === request.preTrainedModelHash)
  if (!model) throw modelUnknown(models.map(({ name }) => name))
  const method = spec?.method ?? 'lora'
  if (!model.document.methods?.includes(method)) throw methodUnsupported(method)
  return model
}

async function sameTask(
  user: Address,
  checked: Checked,
  { shop }: FineTuningDesk,
): Promise<Task | undefined> {
  const { request, order } = checked
  const id = order && taskOrderId(order)
  const tasks = await shop.store.ofUser(user)
  return tasks.find((task) => (id ? task.order === id : task.request.signature === request.signature))
}

async function assertRoom(
  user: Address,
  { request, order }: Checked,
  { shop }: FineTuningDesk,
): Promise<void> {
  const { queue, perUser } = shop.limits
  const unfinished = await shop.store.unfinished()
  const own = unfinished.filter((task) => sameAddress(task.user, user))
  // What was delivered takes nobody's place.
  const waiting = unfinished.filter(({ state }) => !['Delivered', 'UserAcknowledged'].includes(state))
  // The deployed contract takes one delivery at a time: the next would be trained for nothing.
  const isNext = order === null && waiting.some((task) => sameAddress(task.user, user))
  if (own.length >= perUser || isNext) throw ownTasksUnfinished(own.length)
  if (waiting.length >= queue) throw queueFull(queue)
  if (waiting.length >= shop.slots.size && !request.wait) throw waitRequired(waiting.length)
}

async function assertDataset(
  user: Address,
  { request, spec }: Checked,
  { shop }: FineTuningDesk,
): Promise<void> {
  const place = spec?.dataset.place ?? 'upload'
  if (place === 'upload') {
    if (!(await shop.datasets.has(user, request.datasetHash))) throw datasetMissing()
  } else if (!shop.stores[place]) throw invalid(`datasets are not fetched from ${place} here`)
}

function draftOf(
  user: Address,
  { request, publicKey, order, model }: Checked,
  own: Pick<Task, 'id' | 'node' | 'wrappedKey' | 'fromBlock'>,
): Omit<Task, 'version' | 'createdAt' | 'updatedAt'> {
  return {
    ...own,
    user,
    state: 'Init',
    model: model?.name ?? null,
    request,
    order: order && taskOrderId(order),
    publicKey,
    tokens: null,
    fee: null,
    delivery: null,
    deliveredAtSeconds: null,
    runs: 0,
    failure: null,
    end: null,
    keepUntil: null,
    isClosed: false,
  }
}
