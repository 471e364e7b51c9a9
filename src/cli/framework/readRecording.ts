import { statSync } from 'node:fs'
import { MAX_RECORDING_BYTES, recordingFile, recordingTooLarge } from '../../client/media/recording.ts'
import { readInputFile } from './readInput.ts'

/**
 * A recording from a file, or with `-` from stdin; looked at before a wallet is opened.
 * @throws AppError `file_unreadable`, `recording_empty`, `recording_too_large`, `recording_format_unknown`
 */
export async function readRecording(path: string): Promise<Uint8Array> {
  const bytes = path === '-' ? await readStdin() : readFile(path)
  return recordingFile(bytes).bytes
}

/** A film is not read to say that it is too large. */
function readFile(path: string): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > MAX_RECORDING_BYTES) throw recordingTooLarge(size)
  return readInputFile(path)
}

/** Nobody types a recording: a terminal has none. */
async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin.isTTY ? [] : (process.stdin as AsyncIterable<Buffer>)) {
    size += chunk.length
    if (size > MAX_RECORDING_BYTES) throw recordingTooLarge(size)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
