import { Worker } from 'node:worker_threads'
import { AppError, type ErrorObject } from '../../base/errors.ts'
import { parseParameters } from '../../protocol/finetune/parameters.ts'
import { type CountOptions, rowLength } from '../../protocol/finetune/tokens.ts'
import type { DatasetFile } from '../../storage/dataset/readRecords.ts'
import type { TunableModel } from './models.ts'
import { specOf, type Task } from './task.ts'
import { datasetFile } from './worker/workFolder.ts'
import type { Workshop } from './workshop.ts'

/** What the thread that counts is given. */
export interface CountWork {
  readonly file: DatasetFile
  /** The model's folder. */
  readonly model: string
  readonly chatTemplate?: string
  readonly options: CountOptions
}

export type CountResult = { readonly tokens: number } | { readonly error: ErrorObject }

/** What is taken for a context that the model does not name. */
const USUAL_CONTEXT = 512

/**
 * Tokens of one pass over a task's dataset, which lies in memory: the same number as the client's. In a thread of its
 * own, so that the broker goes on answering.
 * @throws AppError those of reading datasets and of counting
 */
export async function countDataset(shop: Workshop, task: Task, model: TunableModel): Promise<number> {
  const spec = specOf(task)
  const parameters = parseParameters(task.request.trainingParams)
  const work: CountWork = {
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
  const result = await new Promise<CountResult>((resolve, reject) => {
    const worker = new Worker(COUNTER, { workerData: work, env: {} })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  if ('tokens' in result) return result.tokens
  throw new AppError(result.error)
}

const COUNTER = new URL(
  import.meta.url.endsWith('.ts') ? './countWorker.ts' : './countWorker.js',
  import.meta.url,
)
