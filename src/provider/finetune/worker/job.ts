import { parseParameters } from '../../../protocol/finetune/parameters.ts'
import { specOf, type Task } from '../task.ts'
import type { Workshop } from '../workshop.ts'
import { modelOf } from './setUp.ts'
import { datasetFile } from './workFolder.ts'

const DEFAULT_SEED = 7

/** The trainer's job file. @see trainer/README.md */
export function jobOf(
  task: Task,
  shop: Workshop,
  { gpu, seconds }: { readonly gpu: number | null; readonly seconds: number },
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
    devices: 1,
    limits: {
      seconds,
      threads: limits.threads,
      memoryBytes: gpu === null ? limits.memoryBytes : 0,
      checkpointSeconds: 60,
    },
    export: {
      zip: true,
      gguf: converters !== null && (spec?.gguf ?? true),
      ...(converters && { llamaCpp: converters.llamaCpp, cache: converters.cache }),
    },
  }
}
