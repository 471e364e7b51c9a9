import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { AppError, EXIT } from '../../base/errors.ts'
import { type PlacedRecord, readJsonl } from '../../protocol/finetune/dataset/readJsonl.ts'
import type { DatasetFormat } from '../../protocol/finetune/spec.ts'

export interface DatasetFile {
  readonly path: string
  /** Default: by the name's end. */
  readonly format?: DatasetFormat | undefined
  /** For CSV and Parquet: from a field (messages, instruction, input, output, text, system) to its column. */
  readonly columns?: Readonly<Record<string, string>> | undefined
}

/**
 * The records of a dataset, in constant memory (for Parquet: that of a row group). One that cannot be read is a
 * `BadRecord` in its place.
 * @throws AppError `dataset_unreadable`, `dataset_empty`; of CSV and Parquet `dataset_not_csv`,
 * `dataset_not_parquet`, `dataset_not_utf8`, `dataset_column_missing`
 */
export async function* readRecords({ path, format, columns }: DatasetFile): AsyncGenerator<PlacedRecord> {
  if ((await sizeOf(path)) === 0) throw emptyDataset()
  const read = format ?? formatOfName(path)
  if (read === 'jsonl') yield* readJsonl(createReadStream(path, { highWaterMark: 1024 * 1024 }))
  else if (read === 'csv') yield* (await import('./readCsv.ts')).readCsv(path, columns)
  else yield* (await import('./readParquet.ts')).readParquet(path, columns)
}

/** By the name's end: JSONL unless it says something else. */
export function formatOfName(path: string): DatasetFormat {
  if (/\.csv$/i.test(path)) return 'csv'
  return /\.parquet$/i.test(path) ? 'parquet' : 'jsonl'
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, 'The file does not exist, or you may not read it.', cause)
  })
  if (found.isDirectory()) throw unreadable(path, 'It is a folder. Name a file in it.')
  return found.size
}

const unreadable = (path: string, hint: string, cause?: unknown): AppError =>
  new AppError({
    code: 'dataset_unreadable',
    message: `Cannot read ${path}`,
    hint,
    exitCode: EXIT.usage,
    cause,
  })

export const emptyDataset = () =>
  new AppError({
    code: 'dataset_empty',
    message: 'The dataset is empty',
    hint: 'It needs at least one example: a line of JSON for each.',
    exitCode: EXIT.malformed,
    status: 400,
  })
