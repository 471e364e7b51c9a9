import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decryptArtifact } from '../../storage/artifact/decryptArtifact.ts'
import type { LocalTask } from './localTask.ts'
import { unzip } from './unzip.ts'

/**
 * Decrypts a sealed model and unpacks it into the task's folder for it. The folder appears when it is whole;
 * nothing that was decrypted is kept when a check fails.
 * @throws AppError of decryption, `model_zip_malformed`
 */
export async function unlockModel(sealed: string, task: LocalTask, key: Uint8Array): Promise<void> {
  const { output, signer } = task
  const [zip, folder] = [`${output}.zip.part`, `${output}.part`]
  await mkdir(dirname(output), { recursive: true })
  try {
    await decryptArtifact({ source: sealed, target: zip, key, signer })
    await rm(folder, { recursive: true, force: true })
    await unzip(zip, folder)
    await rm(output, { recursive: true, force: true })
    await rename(folder, output)
  } finally {
    await rm(zip, { force: true })
    await rm(folder, { recursive: true, force: true })
  }
}
