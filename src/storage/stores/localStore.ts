import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../base/hex.ts'
import { rootOfFile } from '../merkle/rootOf.ts'
import { type FileStore, fileDiffers, fileMissing, isRoot } from './fileStore.ts'

/** Keeps files in a folder, each under its root: for a devnet, where user and provider share a machine. */
export const localStore = (folder: string): FileStore => ({
  async put(path) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const part = join(folder, `${randomUUID()}.part`)
    try {
      await copyFile(path, part)
      const root = await rootOfFile(part)
      await rename(part, join(folder, root))
      return root
    } finally {
      await rm(part, { force: true })
    }
  },

  async fetch(root, target) {
    if (!isRoot(root)) throw fileMissing(root)
    await checked(root, target, (part) => copyFile(join(folder, root), part))
  },
})

/** Gives a file its name when its bytes have the root. */
export async function checked(
  root: Hex,
  target: string,
  write: (part: string) => Promise<unknown>,
): Promise<void> {
  const part = `${target}.part`
  try {
    await write(part)
    const found = await rootOfFile(part)
    if (found !== root) throw fileDiffers(root, found)
    await rename(part, target)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? fileMissing(root) : error
  } finally {
    await rm(part, { force: true })
  }
}
