import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { CsvError, type Info, parse } from 'csv-parse'
import { AppError, EXIT } from '../../base/errors.ts'
import type { PlacedRecord } from '../../protocol/finetune/dataset/readJsonl.ts'
import { BadRecord } from '../../protocol/finetune/dataset/sample.ts'
import { columnsOf } from './columns.ts'

/** The rows below a CSV file's header, as records. @throws AppError as `readRecords` */
export async function* readCsv(
  path: string,
  wanted: Readonly<Record<string, string>> | undefined,
): AsyncGenerator<PlacedRecord> {
  const parser = parse({ bom: true, info: true, relax_column_count: true, skip_empty_lines: true })
  const text = Readable.from(decoded(path))
  text.once('error', (error) => parser.destroy(error)).pipe(parser)
  let header: readonly string[] | null = null
  let columns: ReadonlyMap<string, string> = new Map()
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (header) yield { place: info.lines, record: recordOf(record, header, columns) }
      else {
        header = record
        columns = columnsOf(wanted, header)
      }
    }
  } catch (error) {
    throw error instanceof CsvError ? notCsv(error) : error
  } finally {
    text.destroy()
  }
}

function recordOf(
  row: readonly string[],
  header: readonly string[],
  columns: ReadonlyMap<string, string>,
): unknown {
  if (row.length !== header.length)
    return new BadRecord('wrong_fields', 'has more or fewer fields than the header')
  return Object.fromEntries([...columns].map(([field, column]) => [field, row[header.indexOf(column)]]))
}

async function* decoded(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let line = 1
  try {
    for await (const bytes of createReadStream(path)) {
      const text = decoder.decode(bytes, { stream: true })
      line += text.split('\n').length - 1
      yield text
    }
    yield decoder.decode()
  } catch (error) {
    throw error instanceof TypeError ? notUtf8(line) : error
  }
}

const notUtf8 = (line: number) =>
  new AppError({
    code: 'dataset_not_utf8',
    message: `The dataset is not UTF-8: there are other bytes at or after line ${line}`,
    hint: 'Save it as UTF-8, for example with: iconv -f WINDOWS-1252 -t UTF-8',
    exitCode: EXIT.malformed,
    status: 400,
  })

const notCsv = (error: CsvError) =>
  new AppError({
    code: 'dataset_not_csv',
    message: `The dataset is not CSV: a quote is never closed, or stands in the wrong place, at line ${error.lines ?? '?'}`,
    hint: 'Fields with commas, quotes or line breaks stand in double quotes; a quote in them is doubled.',
    exitCode: EXIT.malformed,
    status: 400,
    // The library's message shows the row.
    details: { problem: error.code },
  })
