import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { extraFolder } from '../../scripts/extras.ts'

/** The part of @0gfoundation/0g-ts-sdk that computes roots. Its calls return a value and an error. */
export interface DeployedStorage {
  readonly MemData: new (bytes: Uint8Array) => DeployedFile
  readonly ZgFile: { fromFilePath(path: string): Promise<DeployedFile & { close(): Promise<void> }> }
}

interface DeployedFile {
  merkleTree(): Promise<[{ rootHash(): string } | null, Error | null]>
}

const PACKAGE = '@0gfoundation/0g-ts-sdk'

/** The deployed storage SDK, or null where `installExtra('storage')` has not put it. */
export function deployedStorage(): DeployedStorage | null {
  const folder = extraFolder('storage')
  return existsSync(join(folder, 'node_modules', PACKAGE))
    ? createRequire(join(folder, 'index.js'))(PACKAGE)
    : null
}

/** Root of a file as that SDK computes it. */
export async function deployedRoot(file: DeployedFile): Promise<string | null> {
  const [tree, error] = await file.merkleTree()
  if (error) throw error
  return tree?.rootHash() ?? null
}
