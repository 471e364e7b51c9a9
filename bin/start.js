import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

/** Loads the built program, or the sources where nothing is built, and runs it. */
export async function run() {
  enableCompileCache()
  const built = new URL('../dist/cli/main.js', import.meta.url)
  const program = existsSync(built) ? built : new URL('../src/cli/main.ts', import.meta.url)
  const { main } = await import(program.href)
  process.exitCode = await main(process.argv.slice(2))
}
