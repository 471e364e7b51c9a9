import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decryptArtifact } from '../../storage/artifact/decryptArtifact.ts'
import { outputUnwritable } from './errors.ts'
import type { LocalTask } from './localTask.ts'
import { freeFolder } from './outputFolder.ts'
import { unzip } from './unzip.ts'

/**
 * Decrypts a sealed model and unpacks it into the task's folder for it, or beside that where something lies there by
 * now. The folder appears when it is whole; nothing that was decrypted is kept when a check fails.
 * @returns the folder
 * @throws AppError of decryption, `model_zip_malformed`, `output_unwritable`
 */
export async function unlockModel(sealed: string, task: LocalTask, key: Uint8Array): Promise<string> {
  try {
    const output = await freeFolder(task.output)
    await mkdir(dirname(output), { recursive: true })
    await unlockInto(output, sealed, task, key)
    return output
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw UNWRITABLE.includes(code) ? outputUnwritable(task.output, message, task) : error
  }
}

async function unlockInto(output: string, sealed: string, task: LocalTask, key: Uint8Array): Promise<void> {
  // Names that are the task's own: nobody else's files are ever removed.
  const folder = `${output}.${task.key}.part`
  const zip = `${folder}.zip`
  try {
    await rm(folder, { recursive: true, force: true })
    await decryptArtifact({ source: sealed, target: zip, key, signer: task.signer })
    await unzip(zip, folder)
    await rename(folder, output)
  } finally {
    await rm(zip, { force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST']
