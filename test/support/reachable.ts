import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Every source file that an entry reaches, with what it imports from elsewhere. */
export function reachable(entry: string): Map<string, string[]> {
  const files = new Map<string, string[]>()
  const visit = (file: string): void => {
    if (files.has(file) || file.endsWith('.json')) return
    const text = readFileSync(file, 'utf8').replace(/^(import|export) type [^']*'.*$/gm, '')
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name!)
    files.set(
      file,
      imports.filter((name) => !name.startsWith('.')),
    )
    for (const name of imports) if (name.startsWith('.')) visit(join(dirname(file), name))
  }
  visit(entry)
  return files
}
