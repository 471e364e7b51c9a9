import { join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import { StateFile } from '../stateFile.ts'
import type { KeyInventory, KeyRecord } from './keyInventory.ts'

interface Contents {
  readonly v: 1
  readonly keys: readonly KeyRecord[]
}

/** The inventory as one file, `keys.json`, readable by its owner alone and replaced as a whole. */
export function fileKeyInventory(stateDir: string): KeyInventory {
  const file = new StateFile(join(stateDir, 'keys.json'))
  const keysIn = (text: string | null) => parse(text, file.path)
  return {
    list: async () => keysIn(await file.read()),
    async change(change) {
      await file.change((text) => {
        const contents: Contents = { v: 1, keys: change(keysIn(text)) }
        return `${JSON.stringify(contents, null, 2)}\n`
      })
    },
  }
}

function parse(text: string | null, path: string): readonly KeyRecord[] {
  if (text === null) return []
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
