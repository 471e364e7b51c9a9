import { AppError, EXIT } from '../../base/errors.ts'
import { DATASET_FORMATS, type DatasetFormat } from '../../protocol/finetune/spec.ts'
import type { DatasetFile } from '../../storage/dataset/readRecords.ts'
import type { OptionSpec } from '../framework/definition.ts'
import type { Input } from '../framework/input.ts'

/** Options of every command that reads a dataset. */
export const DATASET_OPTIONS: readonly OptionSpec[] = [
  ['--format <format>', `${DATASET_FORMATS.join(', ')} (default: by the file's name)`],
  ['--columns <map>', 'for CSV and Parquet: instruction=question,output=answer'],
]

/** The dataset that is meant by an argument and these options. @throws AppError `option_invalid` */
export function datasetFile(path: string, input: Input): DatasetFile {
  return { path, format: formatOf(input.text('format')), columns: columnsIn(input.text('columns')) }
}

function formatOf(value: string | undefined): DatasetFormat | undefined {
  const format = DATASET_FORMATS.find((name) => name === value)
  if (value !== undefined && !format) throw invalid('--format', value, `one of ${DATASET_FORMATS.join(', ')}`)
  return format
}

function columnsIn(value: string | undefined): Record<string, string> | undefined {
  if (value === undefined) return undefined
  const pairs = value.split(',').map((pair) => pair.split('=').map((part) => part.trim()))
  if (pairs.some((pair) => pair.length !== 2 || pair.includes('')))
    throw invalid(
      '--columns',
      value,
      'pairs of a field and its column, such as instruction=question,output=answer',
    )
  return Object.fromEntries(pairs)
}

const invalid = (option: string, value: string, expected: string) =>
  new AppError({
    code: 'option_invalid',
    message: `${option} takes ${expected}, not "${value}"`,
    hint: 'See the help of the command',
    exitCode: EXIT.usage,
  })
