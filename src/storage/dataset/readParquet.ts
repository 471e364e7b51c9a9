import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet'
import { AppError, EXIT } from '../../base/errors.ts'
import type { PlacedRecord } from '../../protocol/finetune/dataset/readJsonl.ts'
import { columnsOf } from './columns.ts'

/** Snappy comes with the library. */
const COMPRESSORS: Compressors = {
  GZIP: (bytes) => gunzipSync(bytes),
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
}

/** The rows of a Parquet file, one row group in memory at a time. @throws AppError as `readRecords` */
export async function* readParquet(
  path: string,
  wanted: Readonly<Record<string, string>> | undefined,
): AsyncGenerator<PlacedRecord> {
  const file = await asyncBufferFromFile(path)
  const metadata = await orNotParquet(() => parquetMetadataAsync(file))
  const present = parquetSchema(metadata).children.map(({ element }) => element.name)
  const columns = columnsOf(wanted, present)
  const options = { file, metadata, columns: [...new Set(columns.values())], compressors: COMPRESSORS }
  for (const { rowStart, rowEnd } of rowGroups(metadata)) {
    const rows = await orNotParquet(() => parquetReadObjects({ ...options, rowStart, rowEnd }))
    for (const [i, row] of rows.entries()) {
      const record = Object.fromEntries([...columns].map(([field, column]) => [field, row[column]]))
      yield { place: rowStart + i + 1, record }
    }
  }
}

function* rowGroups({ row_groups }: FileMetaData) {
  let rowStart = 0
  for (const { num_rows } of row_groups) {
    const rowEnd = rowStart + Number(num_rows)
    yield { rowStart, rowEnd }
    rowStart = rowEnd
  }
}

async function orNotParquet<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw new AppError({
      code: 'dataset_not_parquet',
      message: 'The dataset is not a Parquet file that can be read',
      hint: 'It is damaged, cut off, or compressed by something else than Snappy, gzip, Zstandard or Brotli.',
      exitCode: EXIT.malformed,
      status: 400,
      cause,
    })
  }
}
