import { parseParameters } from '../../protocol/finetune/parameters.ts'
import { type CountOptions, rowLength } from '../../protocol/finetune/tokens.ts'
import { countInChild } from './countInChild.ts'
import type { TunableModel } from './models.ts'
import { specOf, type Task } from './task.ts'
import { datasetFile } from './worker/workFolder.ts'
import type { Workshop } from './workshop.ts'

/** What is taken for a context that the model does not name. */
const USUAL_CONTEXT = 512

/**
 * Tokens of one pass over a task's dataset, which lies in memory: the same number as the client's.
 * @throws AppError `counting_over_limit`, those of reading datasets and of counting; the signal's reason
 */
export async function countDataset(
  shop: Workshop,
  task: Task,
  model: TunableModel,
  signal: AbortSignal,
): Promise<number> {
  const spec = specOf(task)
  const parameters = parseParameters(task.request.trainingParams)
  const work = {
    file: {
      path: datasetFile(shop, task),
      format: spec?.dataset.format ?? 'jsonl',
      columns: spec?.dataset.columns,
    },
    model: model.path,
    ...(spec?.chatTemplate !== undefined && { chatTemplate: spec.chatTemplate }),
    options: {
      sequenceLength: rowLength(
        Number(parameters.sequence_length ?? 0),
        model.document.contextLength ?? USUAL_CONTEXT,
      ),
      tooLong: (parameters.too_long as CountOptions['tooLong'] | undefined) ?? 'truncate',
    },
  }
  return countInChild(work, signal)
}
