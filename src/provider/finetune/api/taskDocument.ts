import { keccak256 } from 'ethers'
import type { Hex } from '../../../base/hex.ts'
import type {
  TaskDeadlines,
  Task as TaskDocument,
  TaskEvent,
  TaskMetrics,
} from '../../../protocol/finetune/task.ts'
import { orderOf, specOf, type Task } from '../task.ts'
import type { FineTuningDesk } from './desk.ts'

/** A task as anyone may read it: the deployed fields, then ours. Nothing of the dataset. */
export async function taskDocument(task: Task, desk: FineTuningDesk): Promise<TaskDocument> {
  const { store } = desk.shop
  const [step, queued] = await Promise.all([
    store.lastEvent(task.id, 'step'),
    task.state === 'SetUp' || task.state === 'Init' ? tasksBefore(task, desk) : undefined,
  ])
  const adapterName = desk.servedAs(task.id)
  const { request, delivery, failure } = task
  return {
    id: task.id,
    createdAt: new Date(task.createdAt).toISOString(),
    updatedAt: new Date(task.updatedAt).toISOString(),
    userAddress: request.userAddress,
    preTrainedModelHash: request.preTrainedModelHash,
    datasetHash: request.datasetHash,
    trainingParams: request.trainingParams,
    fee: task.fee ?? '0',
    nonce: request.nonce,
    signature: request.signature,
    progress: task.state,
    deliverIndex: '0',
    deliverTime: String(task.deliveredAtSeconds ?? 0),
    ...(task.order && { order: task.order }),
    model: task.model,
    method: specOf(task)?.method ?? 'lora',
    ...(task.tokens !== null && { tokens: task.tokens }),
    ...(queued !== undefined && { queued }),
    ...(step && { metrics: metricsOf(step) }),
    ...(delivery && {
      artifact: {
        bytes: delivery.bytes,
        root: delivery.root,
        keyHash: keccak256(delivery.encryptedSecret) as Hex,
        kind: delivery.kind,
      },
    }),
    deadlines: deadlinesOf(task, desk),
    ...(failure && { failure }),
    ...(adapterName !== null && { adapterName }),
  }
}

async function tasksBefore(task: Task, { shop }: FineTuningDesk): Promise<number> {
  const open = await shop.store.open(shop.node)
  const waits = ['Init', 'SettingUp', 'SetUp', 'Training']
  return open.filter(({ state, createdAt }) => waits.includes(state) && createdAt < task.createdAt).length
}

function metricsOf(event: TaskEvent): TaskMetrics {
  const number = (name: string) => (typeof event[name] === 'number' ? (event[name] as number) : null)
  return {
    step: number('step') ?? 0,
    steps: number('steps') ?? 0,
    loss: number('loss'),
    evalLoss: number('evalLoss'),
    learningRate: number('learningRate'),
    tokensPerSecond: number('tokensPerSecond'),
    etaSeconds: number('etaSeconds'),
  }
}

function deadlinesOf(task: Task, { shop, ackSeconds }: FineTuningDesk): TaskDeadlines {
  const order = orderOf(task)
  const delivered = task.deliveredAtSeconds
  const rejectBy = delivered === null ? null : delivered + (order?.ackWindow ?? ackSeconds)
  const retained =
    task.keepUntil === null ? delivered && delivered + shop.limits.retentionSeconds : task.keepUntil / 1000
  return {
    trainBy: order?.trainBy ?? null,
    rejectBy,
    revealBy: order && rejectBy !== null ? rejectBy + order.revealWindow : null,
    retainedUntil: retained === null ? null : Math.floor(retained),
  }
}
