import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { bytesToHex, type Hex } from '../../base/hex.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { sha256Text } from '../../protocol/canonical.ts'
import {
  type TaskOrder,
  taskOrderDigest,
  taskOrderId,
  taskOrderToJson,
} from '../../protocol/finetune/order.ts'
import { parametersText } from '../../protocol/finetune/parameters.ts'
import { createTaskDigest, uploadDigest } from '../../protocol/finetune/signatures.ts'
import { type DatasetSpec, specHash, specText } from '../../protocol/finetune/spec.ts'
import type { Session } from '../session.ts'
import { DEFAULT_SEED } from './createCommand.ts'
import { datasetFile, type PackedDataset, packDataset } from './dataset.ts'
import type { LocalTask } from './localTask.ts'
import type { TrainPlan, TrainRequest } from './plan.ts'
import type { TaskApi } from './taskApi.ts'
import type { TaskStore } from './taskStore.ts'
import type { UserKey } from './userKey.ts'

/** Packs the dataset, signs the order, and writes both down: from here on a kill loses nothing. */
export async function orderTask(
  session: Session,
  store: TaskStore,
  user: UserKey,
  plan: TrainPlan,
  request: TrainRequest,
): Promise<LocalTask> {
  const key = session.runtime.randomHex(8)
  await store.open(key)
  const packed = await packDataset(plan, request, store.path({ key }, 'dataset'))
  const [fromBlock, nonce] = [await session.rpc.getBlockNumber(), taskNonce(session.runtime.now())]
  const parameters = parametersText(plan.parameters)
  // A broker of the deployed network knows neither description nor order.
  const spec = plan.offer.terms && specOf(plan, request, packed, parameters)
  const order = spec !== null && plan.escrow ? await orderOf(session, user, plan, spec, nonce) : null
  return store.save({
    v: 1,
    key,
    chainId: session.network.chainId,
    contract: session.network.fineTuning,
    user: user.address,
    provider: plan.offer.service.provider,
    signer: plan.offer.service.teeSignerAddress,
    createdAt: session.runtime.now(),
    fromBlock,
    model: plan.model.name,
    method: plan.method,
    datasetPath: plan.dataset.path,
    place: packed.place,
    fingerprint: fingerprintOf(plan, request),
    request: {
      userAddress: user.address,
      datasetHash: packed.root,
      trainingParams: parameters,
      preTrainedModelHash: plan.model.hash,
      fee: '0',
      nonce: nonce.toString(),
      signature: user.signPersonal(createTaskDigest(user.address, nonce, packed.root)),
      wait: true,
      ...(spec !== null && { spec }),
      ...(order && { order: taskOrderToJson(order), orderSignature: signedOrder(session, user, order) }),
    },
    order: order && taskOrderId(order),
    maxFee: plan.fee.toString(),
    tokens: plan.tokens,
    output: resolve(request.output ?? `0g-model-${key}`),
    uploaded: false,
    taskId: null,
    checkedRoot: null,
    acknowledged: false,
    decrypted: false,
    adapter: null,
    ended: null,
  })
}

/** Uploads and creates, as far as that has not been done: an order that was sent before answers with its task. */
export async function submitTask(
  session: Session,
  store: TaskStore,
  user: UserKey,
  api: TaskApi,
  local: LocalTask,
  elsewhere: TrainRequest['store'],
): Promise<LocalTask> {
  let task = local
  if (!task.uploaded) {
    const path = store.path(task, 'dataset')
    const root = elsewhere ? await elsewhere.put(path) : await upload(session, user, api, path, task)
    task = await store.save(withUploadedRoot(task, root, user))
  }
  if (task.taskId === null) {
    const taskId = (await findSent(api, task)) ?? (await api.create(user.address, task.request))
    task = await store.save({ ...task, taskId })
    await store.remove(task, 'dataset')
  }
  return task
}

/** What a second `create` has to equal, to go on with the first instead of paying twice. */
export const fingerprintOf = (plan: TrainPlan, request: TrainRequest): string =>
  sha256Text(
    JSON.stringify([
      plan.offer.service.provider.toLowerCase(),
      plan.model.hash,
      plan.method,
      plan.dataset.sha256,
      plan.dataset.columns ?? null,
      parametersText(plan.parameters),
      request.scratch ?? null,
      request.chatTemplate ?? null,
      request.seed ?? null,
    ]),
  )

/** @returns the root by which the broker knows it */
async function upload(
  session: Session,
  user: UserKey,
  api: TaskApi,
  path: string,
  { datasetPath }: LocalTask,
): Promise<string> {
  const at = nowSeconds(session)
  const signature = user.signPersonal(uploadDigest(user.address, at))
  const { datasetHash } = await api.upload(user.address, await datasetFile(path, datasetPath), signature, at)
  return datasetHash
}

/** A deployed broker names the dataset as it likes; what is signed names it the same. */
function withUploadedRoot(task: LocalTask, datasetHash: string, user: UserKey): LocalTask {
  const { request, order } = task
  if (order !== null || request.datasetHash === datasetHash) return { ...task, uploaded: true }
  const digest = createTaskDigest(user.address, BigInt(request.nonce), datasetHash)
  return {
    ...task,
    uploaded: true,
    request: { ...request, datasetHash, signature: user.signPersonal(digest) },
  }
}

/** The id of a task that was created before a kill, by its nonce. */
async function findSent(api: TaskApi, { request }: LocalTask): Promise<string | null> {
  const tasks = await api.list(request.userAddress).catch(() => [])
  return tasks.find(({ nonce }) => nonce === request.nonce)?.id ?? null
}

const datasetSpec = (plan: TrainPlan, packed: PackedDataset): DatasetSpec => ({
  root: packed.root,
  place: packed.place,
  format: plan.dataset.format,
  bytes: plan.dataset.bytes,
  sha256: plan.dataset.sha256,
  ...(plan.dataset.columns && { columns: plan.dataset.columns }),
  sealedKey: null,
})

const specOf = (plan: TrainPlan, request: TrainRequest, packed: PackedDataset, parameters: string): string =>
  specText({
    v: 1,
    salt: bytesToHex(randomBytes(16)),
    method: plan.method,
    model: plan.model.hash,
    dataset: datasetSpec(plan, packed),
    parameters,
    seed: request.seed ?? DEFAULT_SEED,
    tokens: plan.tokens,
    ...(request.scratch && { scratch: request.scratch }),
    ...(request.chatTemplate !== undefined && { chatTemplate: request.chatTemplate }),
    gguf: request.gguf ?? true,
  })

const orderOf = async (
  session: Session,
  user: UserKey,
  plan: TrainPlan,
  spec: string,
  nonce: bigint,
): Promise<TaskOrder> => ({
  provider: plan.offer.service.provider,
  user: user.address,
  signer: plan.offer.service.teeSignerAddress,
  task: specHash(spec),
  maxFee: plan.fee,
  trainBy: (await chainTimeSeconds(session.rpc)) + plan.trainWithin,
  ackWindow: plan.acknowledgeWithin,
  revealWindow: plan.revealWithin,
  nonce,
})

const signedOrder = ({ network }: Session, user: UserKey, order: TaskOrder): Hex =>
  user.sign(taskOrderDigest(network.chainId, network.fineTuning, order))

/** As the deployed client makes it, without losing its low digits. @see client-wire.md section 2.2 */
const taskNonce = (now: number): bigint => BigInt(now) * 10_000n + 40n

const nowSeconds = (session: Session): number => Math.floor(session.runtime.now() / 1000)
