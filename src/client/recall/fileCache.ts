import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { Cache } from './cache.ts'

/**
 * One file a name in `cache/<chain>-<profile>/`, replaced as a whole and readable by its owner alone. Another devnet is
 * another profile, also where its contracts have the same addresses. Removing the folder costs nothing but time.
 */
export function fileCache(stateDir: string, network: NetworkProfile): Cache {
  const profile = createHash('sha256').update(JSON.stringify(network)).digest('hex').slice(0, 16)
  const dir = join(stateDir, 'cache', `${network.chainId}-${profile}`)
  const pathOf = (name: string): string => join(dir, `${name}.json`)
  return {
    read: (name) => attempt(() => JSON.parse(readFileSync(pathOf(name), 'utf8'), revive)) ?? null,
    write: (name, value) =>
      attempt(() => {
        mkdirSync(dir, { recursive: true, mode: 0o700 })
        const draft = `${pathOf(name)}.${process.pid}`
        writeFileSync(draft, JSON.stringify(value, keep), { mode: 0o600 })
        renameSync(draft, pathOf(name))
      }),
    forget: (name) => attempt(() => rmSync(pathOf(name), { force: true })),
  }
}

/** A cache that fails is no cache: the work goes on without. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

const keep = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? { bigint: value.toString() } : value

function revive(_key: string, value: unknown): unknown {
  const text = (value as { readonly bigint?: unknown } | null)?.bigint
  return typeof text === 'string' ? BigInt(text) : value
}
