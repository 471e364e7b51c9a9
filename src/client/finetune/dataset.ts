import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Hex } from '../../base/hex.ts'
import { sealFile } from '../../protocol/finetune/sealedFile.ts'
import type { DatasetPlace } from '../../protocol/finetune/spec.ts'
import { filePieces } from '../../storage/filePieces.ts'
import { rootOf } from '../../storage/merkle/rootOf.ts'
import { datasetKeyOf } from './market.ts'
import type { MultipartFile } from './multipart.ts'
import type { TrainPlan, TrainRequest } from './plan.ts'

/** A dataset as the trainer gets it. */
export interface PackedDataset {
  readonly root: Hex
  readonly place: DatasetPlace
}

/**
 * Seals the dataset for the provider's enclave, into a file of the task. A deployed broker takes it as it is, and
 * what is public is not sealed.
 */
export async function packDataset(
  plan: TrainPlan,
  request: TrainRequest,
  target: string,
): Promise<PackedDataset> {
  const { path } = plan.dataset
  const { terms } = plan.offer
  if (terms === null || !plan.isSealed) await copyFile(path, target)
  else {
    await writePieces(target, sealFile(datasetKeyOf(terms), randomBytes(32), filePieces(path)))
  }
  return { root: await rootOf(filePieces(target)), place: request.place ?? 'upload' }
}

async function writePieces(target: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(target, 'w', 0o600)
  try {
    for await (const bytes of pieces) await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}

/** The packed file as a form sends it. What is on its way to a socket must stay as it is: no buffer is used twice. */
export async function datasetFile(path: string, source: string): Promise<MultipartFile> {
  const { size } = await stat(path)
  const name = basename(source).replace(/[^\w.-]/g, '_')
  return { name, bytes: size, content: createReadStream(path) }
}
