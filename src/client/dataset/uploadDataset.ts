import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sealFile } from '../../protocol/finetune/sealedFile.ts'
import type { DatasetFile } from '../../storage/dataset/readRecords.ts'
import { readSamples } from '../../storage/dataset/readSamples.ts'
import { filePieces } from '../../storage/filePieces.ts'

export interface UploadRequest extends DatasetFile {
  /** The attested key that alone can open it; null: anyone can read it. */
  readonly receiver: Uint8Array | null
  /** Brings a file to where it is to be. @returns its root */
  readonly put: (path: string) => Promise<string>
}

export interface UploadedDataset {
  readonly root: string
  readonly examples: number
  /** Of the file that was sent, sealed or not. */
  readonly bytes: number
}

/**
 * Checks a dataset, seals it for its receiver and brings it away, in constant memory.
 * @throws AppError as `readSamples`, and what `put` throws
 */
export async function uploadDataset(request: UploadRequest): Promise<UploadedDataset> {
  let examples = 0
  for await (const _ of readSamples(request)) examples++
  const folder = await mkdtemp(join(tmpdir(), '0g-dataset-'))
  try {
    const path = request.receiver ? join(folder, 'sealed') : request.path
    if (request.receiver) await seal(request.receiver, request.path, path)
    return { root: await request.put(path), examples, bytes: (await stat(path)).size }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function seal(receiver: Uint8Array, source: string, target: string): Promise<void> {
  const file = await open(target, 'wx', 0o600)
  try {
    for await (const bytes of sealFile(receiver, randomBytes(32), filePieces(source)))
      await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}
