import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Address } from '../../base/hex.ts'
import { openStream, sealStream } from '../../protocol/finetune/sealedStream.ts'
import { fileKey } from './keys.ts'

/** Files of a task that lie on the disk, each sealed: the artifact for its user, the others for the enclave. */
export type VaultFile = 'artifact' | 'gguf'

/**
 * What of fine-tuning lies on the disk of the host, sealed without exception, and how it goes away.
 * Plaintext is written to `RamFolder` alone.
 */
export class Vault {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Makes the folders, and removes what a crash left half written. */
  async prepare(): Promise<void> {
    for (const name of ['tasks', 'datasets', 'incoming'])
      await mkdir(join(this.#dir, name), { recursive: true, mode: 0o700 })
    await rm(join(this.#dir, 'incoming'), { recursive: true, force: true })
    await mkdir(join(this.#dir, 'incoming'), { mode: 0o700 })
  }

  /** Where a file that arrives is written until it is known whose it is. */
  incoming(): string {
    return join(this.#dir, 'incoming', randomUUID())
  }

  datasetPath(user: Address, root: string): string {
    const name = createHash('sha256').update(`${user.toLowerCase()} ${root}`).digest('hex').slice(0, 40)
    return join(this.#dir, 'datasets', name)
  }

  taskPath(id: string, file: VaultFile): string {
    return join(this.#dir, 'tasks', id, file)
  }

  has(id: string, file: VaultFile): boolean {
    return existsSync(this.taskPath(id, file))
  }

  async makeTaskFolder(id: string): Promise<void> {
    await mkdir(join(this.#dir, 'tasks', id), { recursive: true, mode: 0o700 })
  }

  async removeTask(id: string): Promise<void> {
    await rm(join(this.#dir, 'tasks', id), { recursive: true, force: true })
  }

  async removeDataset(user: Address, root: string): Promise<void> {
    await rm(this.datasetPath(user, root), { force: true })
  }

  /** Tasks that have files here. */
  taskIds(): Promise<string[]> {
    return readdir(join(this.#dir, 'tasks'))
  }
}

/** Seals a stream into a file, which appears when it is whole and on the disk. */
export async function sealInto(
  target: string,
  key: Uint8Array,
  name: string,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const part = `${target}.part`
  await pipeline(sealStream(fileKey(key, name), source), createWriteStream(part, { mode: 0o600 }))
  await syncFile(part)
  await rename(part, target)
}

/** What `sealInto` sealed. @throws AppError `sealed_stream_damaged` */
export const openSealed = (file: string, key: Uint8Array, name: string): AsyncIterable<Uint8Array> =>
  openStream(fileKey(key, name), createReadStream(file))

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
