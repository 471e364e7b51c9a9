import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fingerprintWeights, type HashFiles, hashWeights } from './embedded/weights.ts'

interface Known {
  /** Device, inode, size and times of each file. */
  readonly fingerprint: string
  /** SHA-256, hex. */
  readonly digest: string
}

/**
 * Hashes that are kept in a file: weights that did not change since they were hashed are not read again. For a broker
 * without an enclave only: there whoever can write this file can replace the broker as well. In an enclave the disk is
 * the host's, and weights are hashed at each start.
 * @param path made for its owner alone; one that cannot be read counts as empty, one that cannot be written is left
 */
export function cachedHashes(path: string, hash: HashFiles = hashWeights): HashFiles {
  const known = read(path)
  return async (files) => {
    const key = files.map((file) => resolve(file)).join('\n')
    const fingerprint = await fingerprintWeights(files)
    const found = known.get(key)
    if (found?.fingerprint === fingerprint) return found.digest
    const digest = await hash(files)
    if ((await fingerprintWeights(files)) !== fingerprint) return digest
    known.set(key, { fingerprint, digest })
    write(path, known)
    return digest
  }
}

function read(path: string): Map<string, Known> {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, Known>))
  } catch {
    return new Map()
  }
}

/** Where it cannot be written, as in another user's folder, weights are read each time. */
function write(path: string, known: ReadonlyMap<string, Known>): void {
  const fresh = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(fresh, `${JSON.stringify(Object.fromEntries(known), null, 1)}\n`, { mode: 0o600 })
    renameSync(fresh, path)
  } catch {}
}
