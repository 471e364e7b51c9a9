import { counted } from '../../base/counted.ts'
import { format0G } from '../../base/units.ts'
import type { CreateHooks } from '../../client/finetune/createHooks.ts'
import type { LocalTask } from '../../client/finetune/localTask.ts'
import type { TrainPlan, TrainRequest } from '../../client/finetune/plan.ts'
import { ENOUGH_STEPS, enoughEpochs, learningRateOf } from '../../client/finetune/steps.ts'
import type { Context } from '../framework/context.ts'
import type { Input } from '../framework/input.ts'
import type { Progress } from '../framework/output.ts'
import { describePlan, fundingHooks } from '../render/funding.ts'
import { finishTask } from './finishTask.ts'
import { storeOf } from './request.ts'

/** Orders a training, and with `--wait` goes on to its end. */
export async function runCreate(context: Context, input: Input, given: TrainRequest): Promise<undefined> {
  const { out } = context
  const { finetune } = await context.compute()
  const request = { ...given, ...(await storeOf(context, input, given)) }
  if (input.flag('dryRun')) {
    const plan = await finetune.plan(request)
    const funds = await finetune.planFunds(plan)
    out.result(
      { dryRun: true, ...planObject(plan), deposit: funds.deposit, maxGasCost: funds.maxGasCost },
      () => [describeTask(plan), describePlan(funds, context.network)].join('\n'),
    )
    return undefined
  }
  const progress = await out.progress('Checking')
  let about: object = {}
  const hooks = createHooks(context, progress, (plan) => {
    about = planObject(plan)
  })
  const deploy = input.flag('deploy')
  const task = await finetune.create({ ...request, deploy }, hooks).finally(() => progress.stop())
  if (input.flag('wait') || deploy) {
    return finishTask(context, task, { deploy, about })
  }
  out.result({ ...taskObject(task), ...about }, () => `Task ${task.taskId} is created.`)
  out.next(`0g-compute finetune status ${task.taskId} --watch`)
  return undefined
}

function createHooks(context: Context, progress: Progress, onPlan: (plan: TrainPlan) => void): CreateHooks {
  const { out } = context
  const stages = {
    check: 'Checking dataset, parameters and provider',
    fund: 'Looking after the money',
    seal: 'Sealing the dataset for the enclave',
    upload: 'Sending the dataset',
    created: 'Created',
  }
  return {
    ...fundingHooks(context, progress),
    approveTask: async (plan) => {
      onPlan(plan)
      progress.stop()
      out.note(describeTask(plan))
      await context.confirmSpending('The training costs', plan.fee)
      return true
    },
    onStage: (stage) => progress.update(stages[stage]),
    onResume: ({ taskId, key }) => out.note(`Going on with task ${taskId ?? key}, which was ordered before`),
  }
}

/** What it costs, and what holds afterwards: said before anything is paid. */
export function describeTask(plan: TrainPlan): string {
  const { offer, model, dataset, penaltyPercent } = plan
  const { verdict } = plan.checked
  const count = dataset.isCounted || model.name === null ? '' : ', counted as bytes: it cannot be more'
  return [
    `${plan.method} training of ${model.name ?? 'a model from scratch'} at ${offer.service.provider}`,
    `  ${counted(dataset.examples, 'example')}, ${counted(plan.tokens, 'token')} a pass${count}, ${passes(plan.epochs)}`,
    `  About ${counted(plan.steps, 'step')}, learning rate ${learningRateOf(plan.parameters)}`,
    ...fewSteps(plan),
    `  Fee: ${format0G(plan.fee)} 0G${plan.escrow ? ', in escrow until you have the model' : ''}`,
    `  Delivered within ${time(plan.trainWithin)}, or the whole fee comes back`,
    plan.escrow
      ? `  Then ${time(plan.acknowledgeWithin)} to reject it, for ${penaltyPercent} % of the fee; silence accepts it`
      : `  Acknowledge it within ${time(plan.acknowledgeWithin)}: silence costs ${penaltyPercent} % of the fee and the model`,
    `  The provider keeps the sealed model ${time(plan.retention)}, longer while it serves it, then destroys it`,
    `  Dataset ${plan.isSealed ? "sealed for the provider's enclave" : 'not sealed: others can read it'}; evidence ${verdict.outcome}, assurance ${verdict.assurance}`,
  ].join('\n')
}

/** Said where hardly anything will be learned for the money. */
function fewSteps({ steps, dataset, parameters }: TrainPlan): string[] {
  if (steps >= ENOUGH_STEPS) return []
  const epochs = enoughEpochs(dataset.examples, parameters)
  const more = epochs === null ? 'Allow more steps' : `Take more examples, or more passes: --epochs ${epochs}`
  return [`  So few steps teach hardly anything. ${more}`]
}

const passes = (count: number): string => `${count} ${count === 1 ? 'pass' : 'passes'}`

export const planObject = (plan: TrainPlan): object => ({
  provider: plan.offer.service.provider,
  model: plan.model.name,
  method: plan.method,
  examples: plan.dataset.examples,
  tokens: plan.tokens,
  epochs: plan.epochs,
  steps: plan.steps,
  parameters: plan.parameters,
  fee: plan.fee,
  escrow: plan.escrow,
  penaltyPercent: plan.penaltyPercent,
  trainWithin: plan.trainWithin,
  acknowledgeWithin: plan.acknowledgeWithin,
  retention: plan.retention,
  verdict: plan.checked.verdict.outcome,
  assurance: plan.checked.verdict.assurance,
})

export const taskObject = (task: LocalTask): object => ({
  task: task.taskId,
  key: task.key,
  provider: task.provider,
  model: task.model,
  method: task.method,
  tokens: task.tokens,
  maxFee: task.maxFee,
  order: task.order,
  root: task.checkedRoot,
  decrypted: task.decrypted,
  output: task.decrypted ? task.output : null,
  adapter: task.adapter,
  ended: task.ended,
})

/** A time for people: the largest unit that it is whole in. */
export function time(seconds: number): string {
  const units = [
    [86_400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
  ] as const
  for (const [size, name] of units) {
    if (seconds >= size && seconds % size === 0)
      return `${seconds / size} ${seconds === size ? name.slice(0, -1) : name}`
  }
  return `${seconds} seconds`
}
