import { AppError } from '../../../base/errors.ts'
import { scratchTokens, taskFee } from '../../../protocol/finetune/fee.ts'
import { epochsOf, parseParameters } from '../../../protocol/finetune/parameters.ts'
import { countDataset } from '../countDataset.ts'
import type { TunableModel } from '../models.ts'
import { specOf, type Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import type { Step } from './steps.ts'
import { removeWorkFolder, unpackDataset } from './workFolder.ts'

/** Counts the dataset, names the fee, and makes sure that it can be paid. No money moves before training begins. */
export const setUp: Step = async (task, { shop, signal }) => {
  try {
    const bytes = await unpackDataset(shop, task)
    const model = modelOf(shop, task)
    const tokens = model ? await countDataset(shop, task, model, signal) : scratchTokens(bytes)
    assertAsOrdered(task, tokens, shop.limits.tokens)
    const fee = feeOf(shop, task, model, tokens)
    await shop.chainOf(task).assertPayable(task, fee)
    return { change: { state: 'SetUp', tokens, fee: fee.toString() } }
  } finally {
    await removeWorkFolder(shop, task)
  }
}

/** The task's base model, null from scratch. */
export const modelOf = (shop: Workshop, task: Task): TunableModel | null =>
  shop.models.find(({ name }) => name === task.model) ?? null

/** Neuron. */
export function feeOf(shop: Workshop, task: Task, model: TunableModel | null, tokens: number): bigint {
  return taskFee({
    tokens,
    epochs: epochsOf(parseParameters(task.request.trainingParams)),
    pricePerToken: shop.prices.perToken,
    coefficient: model?.coefficient ?? 1,
    storageFee: model?.storageFee ?? 0n,
  })
}

function assertAsOrdered(task: Task, tokens: number, limit: number): void {
  const ordered = specOf(task)?.tokens ?? tokens
  if (tokens > ordered) throw moreTokens(tokens, ordered)
  if (tokens > limit) throw tooManyTokens(tokens, limit)
}

const moreTokens = (tokens: number, ordered: number): AppError =>
  new AppError({
    code: 'tokens_differ',
    message: `The dataset has ${tokens} tokens here, and ${ordered} in the order`,
    hint: 'Nothing was paid. Both sides count with the same files: the model may have changed since',
    next: '0g-compute finetune create',
    status: 409,
    details: { tokens, ordered },
  })

const tooManyTokens = (tokens: number, limit: number): AppError =>
  new AppError({
    code: 'dataset_too_long',
    message: `The dataset has ${tokens} tokens, this provider takes ${limit}`,
    hint: 'Nothing was paid. Split it, or choose another provider',
    next: '0g-compute dataset validate',
    status: 413,
    details: { tokens, limit },
  })
