import { constants } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { outputNotEmpty, outputUnwritable } from './errors.ts'

/**
 * Makes sure, before anything is paid, that a model can be put into a folder and overwrites nothing.
 * @param folder default: one that will be made here
 * @throws AppError `output_not_empty`, `output_unwritable`
 */
export async function assertUsable(folder: string | undefined): Promise<void> {
  const path = resolve(folder ?? 'model')
  if (folder !== undefined && !(await isFree(path))) throw outputNotEmpty(path)
  const parent = await nearestThere(dirname(path))
  const isFolder = (await stat(parent)).isDirectory()
  const isWritable = await access(parent, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (!isFolder || !isWritable)
    throw outputUnwritable(path, isFolder ? `${parent} is not writable` : `${parent} is a file`, null)
}

/** The folder, or where something lies there by now, the first free one beside it: `model-2`. */
export async function freeFolder(folder: string): Promise<string> {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? folder : `${folder}-${n}`
    if (await isFree(candidate)) return candidate
  }
}

/** Nothing lies there, or an empty folder. */
async function isFree(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return true
    if (code === 'ENOTDIR') return !(await isThere(path))
    throw error
  }
}

async function nearestThere(path: string): Promise<string> {
  return (await isThere(path)) ? path : nearestThere(dirname(path))
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
