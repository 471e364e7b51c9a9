import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import type { TaskView } from '../../client/finetune/fineTuning.ts'
import type { FineTuneOffer } from '../../client/finetune/market.ts'
import type { Arguments, Desk, Tool } from './tool.ts'

const ACTIONS = ['models', 'create', 'status', 'finish'] as const

/** Training of a model on the user's own data. */
export const finetune: Tool = {
  name: 'finetune',
  description: `Fine-tune a model on a dataset file of the user's machine. "models" lists what can be trained, "create"
starts a task and pays for it within the budget, "status" says how far the tasks are, "finish" waits for one and brings
the model here, decrypted.`,
  inputSchema: {
    type: 'object',
    properties: {
      action: { type: 'string', enum: ACTIONS },
      model: { type: 'string', description: 'for create: the base model' },
      dataset: { type: 'string', description: 'for create: path of a JSONL, CSV or Parquet file' },
      epochs: { type: 'integer', minimum: 1, description: 'for create: passes over the dataset' },
      task: { type: 'string', description: 'for status and finish; default the newest' },
    },
    required: ['action'],
    additionalProperties: false,
  },
  readOnly: false,
  run(desk, args, signal) {
    const action = args.required('action')
    if (action === 'models') return listModels(desk)
    if (action === 'create') return create(desk, args)
    if (action === 'status') return status(desk, args)
    if (action === 'finish') return finish(desk, args, signal)
    throw unknownAction(action)
  },
}

async function listModels({ compute }: Desk): Promise<object> {
  return { providers: (await compute.finetune.offers()).map(describeOffer) }
}

const describeOffer = ({ service, models }: FineTuneOffer): object => ({
  provider: service.provider,
  models: models.map(({ name, description, methods }) => ({ name, description, methods })),
})

async function create(
  { compute, budget, provider, maxCost, funding }: Desk,
  args: Arguments,
): Promise<object> {
  const epochs = args.count('epochs')
  let settle: (fee: bigint | null) => void = () => {}
  try {
    const task = await compute.finetune.create(
      {
        model: args.required('model'),
        dataset: { path: args.required('dataset') },
        ...(epochs !== undefined && { parameters: { num_train_epochs: epochs } }),
        ...(provider && { provider }),
        ...(maxCost !== undefined && { maxFee: maxCost }),
      },
      {
        ...funding,
        approveTask: ({ fee }) => {
          settle = budget.reserve(fee)
          return true
        },
      },
    )
    settle(BigInt(task.maxFee))
    return { task: task.key, provider: task.provider, cost: `${format0G(BigInt(task.maxFee))} 0G` }
  } catch (error) {
    settle(null)
    throw error
  }
}

async function status({ compute }: Desk, args: Arguments): Promise<object> {
  const named = args.text('task')
  const tasks = named === undefined ? await compute.finetune.tasks() : [await compute.finetune.find(named)]
  const views = await Promise.all(tasks.map((task) => compute.finetune.view(task)))
  return { tasks: views.map(describeTask) }
}

const describeTask = ({ local, seen }: TaskView): object => ({
  task: local.key,
  model: local.model,
  provider: local.provider,
  state: local.ended?.code ?? (local.decrypted ? 'decrypted' : (seen?.progress ?? 'unknown')),
  ...(local.decrypted && { folder: local.output }),
})

async function finish({ compute }: Desk, args: Arguments, signal: AbortSignal): Promise<object> {
  const task = await compute.finetune.finish(args.text('task'), { signal })
  return { task: task.key, folder: task.output }
}

const unknownAction = (action: string): AppError =>
  new AppError({
    code: 'argument_invalid',
    message: `There is no action "${action.slice(0, 50)}"`,
    hint: `There are: ${ACTIONS.join(', ')}`,
    exitCode: EXIT.usage,
    status: 400,
  })
