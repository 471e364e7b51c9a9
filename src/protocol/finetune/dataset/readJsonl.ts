import { linesOf } from './lines.ts'
import { BadRecord } from './sample.ts'

/** A record and where it stands: the line of a JSONL or CSV file, the row of a Parquet file, from 1. */
export interface PlacedRecord {
  readonly place: number
  /** What stands there, or why that cannot be said. */
  readonly record: unknown
}

/** The records of a JSONL file; one that cannot be read is a `BadRecord` in its place. */
export async function* readJsonl(source: AsyncIterable<Uint8Array>): AsyncGenerator<PlacedRecord> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for await (const { number, bytes } of linesOf(source))
    yield { place: number, record: parse(bytes, decoder) }
}

function parse(bytes: Uint8Array, decoder: TextDecoder): unknown {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return new BadRecord('not_utf8', 'is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch {
    return new BadRecord('not_json', 'is not JSON')
  }
}
