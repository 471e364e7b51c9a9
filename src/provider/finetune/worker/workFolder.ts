import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../../base/hex.ts'
import { specOf, type Task } from '../task.ts'
import { JOB_FILE, OUTPUT_FOLDER } from '../trainer/trainer.ts'
import type { Workshop } from '../workshop.ts'

/** The folder in memory in which a task is worked on. */
export const workFolder = ({ workDir }: Pick<Workshop, 'workDir'>, { id }: Pick<Task, 'id'>): string =>
  join(workDir, id)

export const jobFile = (shop: Workshop, task: Task): string => join(workFolder(shop, task), JOB_FILE)
export const outputFolder = (shop: Workshop, task: Task): string =>
  join(workFolder(shop, task), OUTPUT_FOLDER)
export const artifactFile = (shop: Workshop, task: Task, name: string): string =>
  join(outputFolder(shop, task), 'artifact', name)
export const artifactZip = (shop: Workshop, task: Task): string =>
  join(outputFolder(shop, task), 'artifact.zip')

/** Where the plaintext of the dataset lies; the trainer tells formats by the name's end. */
export function datasetFile(shop: Workshop, task: Task): string {
  const format = specOf(task)?.dataset.format ?? 'jsonl'
  return join(workFolder(shop, task), `dataset.${format}`)
}

/** Brings the plaintext of the dataset into memory. @returns its length in bytes */
export async function unpackDataset(shop: Workshop, task: Task): Promise<number> {
  const spec = specOf(task)
  await fetchDataset(shop, task)
  await mkdir(workFolder(shop, task), { recursive: true, mode: 0o700 })
  return shop.datasets.openInto(datasetFile(shop, task), task.user, {
    root: task.request.datasetHash,
    sealedKey: spec?.dataset.sealedKey ?? null,
    sha256: spec?.dataset.sha256 ?? null,
  })
}

/** Brings a dataset that its user put elsewhere here, once. */
async function fetchDataset(shop: Workshop, task: Task): Promise<void> {
  const place = specOf(task)?.dataset.place ?? 'upload'
  const root = task.request.datasetHash as Hex
  if (place === 'upload' || (await shop.datasets.has(task.user, root))) return
  const file = join(workFolder(shop, task), 'fetched')
  await mkdir(workFolder(shop, task), { recursive: true, mode: 0o700 })
  await shop.stores[place]!.fetch(root, file)
  const arrived = await shop.datasets.receive(createReadStream(file))
  await arrived.keep(task.user).finally(arrived.discard)
  await rm(file, { force: true })
}

export const removeWorkFolder = (shop: Workshop, task: Pick<Task, 'id'>): Promise<void> =>
  rm(workFolder(shop, task), { recursive: true, force: true })
