import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Address } from '../../base/hex.ts'
import type { FineTuningOptions } from './options.ts'
import { findRamFolder } from './ramFolder.ts'
import type { Workshop } from './workshop.ts'

/** A dataset that no task names is kept so long, ms. */
const DAY_MS = 86_400_000

/** Tells this broker's files from those of others on the same database. */
export function nodeId(dir: string): string {
  const file = join(dir, 'node')
  if (!existsSync(file)) writeFileSync(file, randomUUID(), { mode: 0o600, flag: 'wx' })
  return readFileSync(file, 'utf8')
}

/** A folder of this broker's own in memory; jobs of another user pass through it and see nothing else in it. */
export function prepareWorkDir({ workDir }: FineTuningOptions, dataDir: string): string {
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)
  const path = join(findRamFolder(workDir).path, `0g-finetune-${name}`)
  mkdirSync(path, { recursive: true, mode: 0o711 })
  return path
}

/** Folders in memory and on the disk that no open task owns: what a crash in the middle of destroying left. */
export async function sweepFolders({ store, node, vault, workDir }: Workshop): Promise<void> {
  const open = new Set((await store.open(node)).map(({ id }) => id))
  for (const id of readdirSync(workDir))
    if (!open.has(id)) rmSync(join(workDir, id), { recursive: true, force: true })
  for (const id of await vault.taskIds()) if (!open.has(id)) await vault.removeTask(id)
}

/** Removes datasets that nobody trained on. */
export async function sweepDatasets({ store, node, datasets, now }: Workshop): Promise<void> {
  const open = await store.open(node)
  const inUse = (user: Address, root: string) =>
    open.some((task) => task.user.toLowerCase() === user && task.request.datasetHash === root)
  await datasets.removeOlderThan(now() - DAY_MS, inUse)
}
