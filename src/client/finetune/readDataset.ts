import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import type { TrainingParameters } from '../../protocol/finetune/parameters.ts'
import type { DatasetFormat } from '../../protocol/finetune/spec.ts'
import { type CountOptions, rowLength } from '../../protocol/finetune/tokens.ts'
import { formatOfName } from '../../storage/dataset/readRecords.ts'
import { countDatasetTokens, readSamples } from '../../storage/dataset/readSamples.ts'
import { sha256File } from './hashFile.ts'
import type { BaseModel, FineTuneOffer } from './market.ts'
import type { TaskApi } from './taskApi.ts'
import { tokenizerOf } from './tokenizerOf.ts'

/** The dataset that is meant. */
export interface DatasetRequest {
  readonly path: string
  /** Default: by the name's end. */
  readonly format?: DatasetFormat
  /** For CSV and Parquet: from a field to its column. */
  readonly columns?: Readonly<Record<string, string>>
  /** Folder with the model's tokenizer, where the provider does not serve it. */
  readonly tokenizer?: string
}

/** What is known of it before anything is sent. */
export interface DatasetFacts {
  /** Absolute. */
  readonly path: string
  readonly format: DatasetFormat
  readonly columns: Readonly<Record<string, string>> | undefined
  readonly bytes: number
  /** 64 hex digits. */
  readonly sha256: string
  readonly examples: number
  /** Tokens of one pass. Where no tokenizer is at hand, the bytes: it cannot be more. */
  readonly tokens: number
  readonly isCounted: boolean
}

/** How a model's rows are made. */
export interface RowRules {
  readonly parameters: TrainingParameters
  readonly chatTemplate?: string
}

/** What the trainer takes for a context that the model's entry does not name. */
const USUAL_CONTEXT = 512

/**
 * Checks every example of a dataset, and counts its tokens as the provider will.
 * @throws AppError `dataset_over_limit`, those of reading (`dataset_…`) and of tokenizers
 */
export async function readDataset(
  api: TaskApi,
  request: DatasetRequest,
  model: BaseModel,
  { terms }: FineTuneOffer,
  rules: RowRules,
): Promise<DatasetFacts> {
  const path = resolve(request.path)
  const { columns, format = formatOfName(path) } = request
  const file = { path, format, columns }
  const counted = await count(file, await tokenizerFor(api, request, model, rules), optionsOf(model, rules))
  const bytes = (await stat(path)).size
  if (terms && bytes > terms.limits.datasetBytes) throw overLimit(`${bytes} bytes`, terms.limits.datasetBytes)
  const { examples, tokens = bytes } = counted
  if (terms && tokens > terms.limits.tokens) throw overLimit(`${tokens} tokens`, terms.limits.tokens)
  const sha256 = await sha256File(path)
  return { ...file, bytes, sha256, examples, tokens, isCounted: counted.tokens !== undefined }
}

async function count(
  file: Parameters<typeof readSamples>[0],
  tokenizer: Awaited<ReturnType<typeof tokenizerOf>>,
  options: CountOptions,
): Promise<{ readonly examples: number; readonly tokens?: number }> {
  if (tokenizer) return countDatasetTokens(file, tokenizer, options)
  let examples = 0
  for await (const _ of readSamples(file)) examples++
  return { examples }
}

/** From scratch the tokenizer is made from the dataset itself. */
const tokenizerFor = (api: TaskApi, request: DatasetRequest, model: BaseModel, { chatTemplate }: RowRules) =>
  model.name === null ? null : tokenizerOf(api, model, request.tokenizer, chatTemplate)

const optionsOf = ({ contextLength }: BaseModel, { parameters }: RowRules): CountOptions => ({
  sequenceLength: rowLength(Number(parameters.sequence_length ?? 0), contextLength ?? USUAL_CONTEXT),
  tooLong: (parameters.too_long as CountOptions['tooLong'] | undefined) ?? 'truncate',
})

const overLimit = (found: string, limit: number): AppError =>
  new AppError({
    code: 'dataset_over_limit',
    message: `The dataset has ${found}; this provider takes ${limit}`,
    hint: 'Nothing was sent. Split it, or choose another provider',
    next: '0g-compute finetune models',
    exitCode: EXIT.malformed,
    details: { limit },
  })
