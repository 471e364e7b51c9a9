import { AppError, EXIT } from '../../base/errors.ts'
import {
  BadRecord,
  type Sample,
  type SampleFormat,
  sampleOf,
} from '../../protocol/finetune/dataset/sample.ts'
import { type CountOptions, countTokens, type TokenizerFiles } from '../../protocol/finetune/tokens.ts'
import { type DatasetFile, emptyDataset, readRecords } from './readRecords.ts'

/**
 * The samples of a dataset; the first thing that is wrong ends it.
 * @throws AppError `dataset_not_utf8`, `dataset_line_broken`, `dataset_record_wrong`, `dataset_mixed_formats`, and
 * as `readRecords`
 */
export async function* readSamples(file: DatasetFile): AsyncGenerator<Sample> {
  let format: SampleFormat | undefined
  for await (const { place, record } of readRecords(file)) {
    const sample = sampleAt(place, record)
    format ??= sample.format
    if (sample.format !== format) throw mixedFormats(place, sample.format, format)
    yield sample
  }
  if (format === undefined) throw emptyDataset()
}

/**
 * Samples of a dataset, and tokens of one pass: what client and provider count alike.
 * @param onSample called before each is counted
 * @throws AppError as `readSamples` and `countTokens`
 */
export async function countDatasetTokens(
  file: DatasetFile,
  tokenizer: TokenizerFiles,
  options: CountOptions,
  onSample: () => void = () => {},
): Promise<{ readonly examples: number; readonly tokens: number }> {
  let examples = 0
  const counted = async function* () {
    for await (const sample of readSamples(file)) {
      examples++
      onSample()
      yield sample
    }
  }
  const tokens = await countTokens(counted(), tokenizer, options)
  return { examples, tokens }
}

function sampleAt(place: number, record: unknown): Sample {
  try {
    if (record instanceof BadRecord) throw record
    return sampleOf(record)
  } catch (error) {
    throw error instanceof BadRecord ? problemAt(place, error) : error
  }
}

const VALIDATE = '0g-compute dataset validate FILE'

function problemAt(place: number, { code, message }: BadRecord): AppError {
  const details = { line: place, problem: code }
  if (code === 'not_utf8')
    return new AppError({
      code: 'dataset_not_utf8',
      message: `Line ${place} ${message}`,
      hint: 'Save the file as UTF-8, for example with: iconv -f WINDOWS-1252 -t UTF-8',
      details,
      next: VALIDATE,
      exitCode: EXIT.malformed,
      status: 400,
    })
  if (code === 'not_json' || code === 'not_an_object')
    return new AppError({
      code: 'dataset_line_broken',
      message: `Line ${place} ${message}`,
      hint: 'Each line is one JSON object. The line was cut off, or a quote or comma is missing in it.',
      details,
      next: VALIDATE,
      exitCode: EXIT.malformed,
      status: 400,
    })
  return new AppError({
    code: 'dataset_record_wrong',
    message: `Line ${place} ${message}`,
    hint: 'An example has messages, or instruction and output, or text, and an answer that is not empty.',
    details,
    next: VALIDATE,
    exitCode: EXIT.malformed,
    status: 400,
  })
}

const mixedFormats = (place: number, found: SampleFormat, first: SampleFormat): AppError =>
  new AppError({
    code: 'dataset_mixed_formats',
    message: `Line ${place} has the format ${found}, the lines before it ${first}`,
    hint: 'A dataset has one format throughout. Write all examples in the same one.',
    details: { line: place, problem: 'mixed_formats' },
    next: VALIDATE,
    exitCode: EXIT.malformed,
    status: 400,
  })
