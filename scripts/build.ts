import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'

/** Compiles `src/` to `dist/`. In an installed package there are no sources of the compiler, and nothing to do. */
if (existsSync('node_modules/typescript')) {
  rmSync('dist', { recursive: true, force: true })
  execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
}
