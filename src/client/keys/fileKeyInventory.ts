import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, EXIT } from '../../base/errors.ts'
import { Mutex } from '../mutex.ts'
import type { KeyInventory, KeyRecord } from './keyInventory.ts'

/** A lock that is older was left by a process that died, ms. */
const LOCK_DEAD_MS = 10_000
const LOCK_POLL_MS = 20

interface Contents {
  readonly v: 1
  readonly keys: readonly KeyRecord[]
}

/** The inventory as one file, `keys.json`, readable by its owner alone and replaced as a whole. */
export function fileKeyInventory(stateDir: string): KeyInventory {
  const path = join(stateDir, 'keys.json')
  const turn = new Mutex()
  return {
    list: () => read(path),
    change: (change) =>
      turn.run(async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        const unlock = await lock(`${path}.lock`)
        try {
          await write(path, { v: 1, keys: change(await read(path)) })
        } finally {
          await unlock()
        }
      }),
  }
}

async function read(path: string): Promise<readonly KeyRecord[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  try {
    const { v, keys } = JSON.parse(text) as Partial<Contents>
    if (v === 1 && Array.isArray(keys)) return keys
  } catch {
    // answered below, like JSON that is something else
  }
  throw new AppError({
    code: 'keys_malformed',
    message: `${path} is no list of keys`,
    hint: 'Without it a number could be given twice. Put it back from a copy, or move it away and revoke all keys',
    next: '0g-compute keys revoke --all',
    exitCode: EXIT.malformed,
  })
}

async function write(path: string, contents: Contents): Promise<void> {
  const temporary = `${path}.${process.pid}`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(contents, null, 2)}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** @returns gives the lock back */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      )
      if (age > LOCK_DEAD_MS) await rm(path, { force: true })
      else await sleep(LOCK_POLL_MS)
    }
  }
}
