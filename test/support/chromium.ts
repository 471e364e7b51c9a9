import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Path of a Chromium that runs here, or undefined; ZG_CHROMIUM names another one. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const paths = PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program)))
  return [process.env.ZG_CHROMIUM, ...paths].find((path) => path !== undefined && runs(path))
}

function runs(path: string): boolean {
  try {
    if (!existsSync(path)) return false
    execFileSync(path, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
