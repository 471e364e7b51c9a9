import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** The command line under test is the built one where there is a build: it must not be an old one. */
export default function setup(): void {
  if (existsSync('dist')) execFileSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' })
}
