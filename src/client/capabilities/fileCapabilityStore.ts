import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CapabilityOwner, CapabilityStore } from './capabilityStore.ts'

/**
 * One file a provider, replaced as a whole and readable by its owner alone:
 * `capabilities/<chain>/<contract>/<provider>.json`. Removing it forgets what was seen.
 */
export function fileCapabilityStore(stateDir: string): CapabilityStore {
  const pathOf = ({ chainId, contract, provider }: CapabilityOwner): string =>
    join(stateDir, 'capabilities', String(chainId), contract.toLowerCase(), `${provider.toLowerCase()}.json`)
  return {
    seen: (owner) => readFile(pathOf(owner), 'utf8').catch(absent),
    remember: async (owner, document) => {
      const path = pathOf(owner)
      if ((await readFile(path, 'utf8').catch(absent)) === document) return
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await replace(path, document)
    },
  }
}

let drafts = 0

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.${drafts++}`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
