import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs'
import { AppError } from '../../base/errors.ts'

/** What Linux calls its file systems in memory. @see statfs(2) */
const MEMORY_TYPES = new Set([0x01021994, 0x858458f6])
const CANDIDATES = ['/dev/shm', '/run/shm']

export interface RamFolder {
  readonly path: string
  readonly freeBytes: number
}

/**
 * A folder whose files never touch a disk: that is where plaintext lies while a job runs.
 * @param wanted the folder of the configuration, or the system's own
 * @throws AppError `no_memory_folder`
 */
export function findRamFolder(wanted?: string): RamFolder {
  for (const path of wanted === undefined ? CANDIDATES : [wanted]) {
    const freeBytes = freeMemoryAt(path, wanted !== undefined)
    if (freeBytes !== null) return { path, freeBytes }
  }
  throw new AppError({
    code: 'no_memory_folder',
    message: `There is no folder in memory${wanted === undefined ? '' : ` at ${wanted}`} for what jobs work on`,
    hint: 'Datasets and models lie in plain text only in memory. Mount a tmpfs (a container: --shm-size) and name it in finetune.workDir',
    next: '0g-compute provider check',
  })
}

function freeMemoryAt(path: string, make: boolean): number | null {
  try {
    if (make) mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.W_OK)
    const { type, bavail, bsize } = statfsSync(path)
    return MEMORY_TYPES.has(type) ? bavail * bsize : null
  } catch {
    return null
  }
}
