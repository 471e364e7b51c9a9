import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Whether something is told for the first time in this home. Where that cannot be noted, it always is. */
export function isFirstTime(stateDir: string, what: string): boolean {
  const path = join(stateDir, 'told', what)
  if (existsSync(path)) return false
  try {
    mkdirSync(join(stateDir, 'told'), { recursive: true, mode: 0o700 })
    writeFileSync(path, '')
  } catch {
    // a home that cannot be written
  }
  return true
}
