import { parseParameters } from '../../../protocol/finetune/parameters.ts'
import { specOf, type Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import { modelOf } from './setUp.ts'
import { datasetFile } from './workFolder.ts'

const DEFAULT_SEED = 7
/** What was estimated from the sizes that an order names leaves out norms and positions. */
const MEASURED_BY_ESTIMATED = 1.1

/** The trainer's job file. @see trainer/README.md */
export function jobOf(
  task: Task,
  shop: Workshop,
  { gpus, seconds }: { readonly gpus: readonly number[]; readonly seconds: number },
): object {
  const spec = specOf(task)
  const model = modelOf(shop, task)
  const { limits, converters } = shop
  return {
    method: spec?.method ?? 'lora',
    ...(model && { model: model.path, modelName: model.name }),
    ...(spec?.scratch && { scratch: spec.scratch }),
    ...(spec?.chatTemplate !== undefined && { chatTemplate: spec.chatTemplate }),
    dataset: {
      file: datasetFile(shop, task),
      format: spec?.dataset.format ?? 'jsonl',
      ...(spec?.dataset.columns && { columns: spec.dataset.columns }),
    },
    profile: 'wide',
    parameters: parseParameters(task.request.trainingParams),
    seed: spec?.seed ?? DEFAULT_SEED,
    devices: Math.max(1, gpus.length),
    limits: {
      seconds,
      threads: limits.threads,
      memoryBytes: gpus.length === 0 ? limits.memoryBytes : 0,
      checkpointSeconds: 60,
      parameters: spec?.scratch ? Math.ceil(limits.scratchParameters * MEASURED_BY_ESTIMATED) : 0,
    },
    export: {
      zip: true,
      gguf: converters !== null && (spec?.gguf ?? true),
      ...(converters && { llamaCpp: converters.llamaCpp, cache: converters.cache }),
    },
  }
}
