import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Compiles `src/` to `dist/`, and writes the manual page there. In an installed package there are no sources of the
 * compiler, and nothing to do.
 */
if (existsSync('node_modules/typescript')) {
  rmSync('dist', { recursive: true, force: true })
  execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
  writeFileSync('dist/0g-compute.1', execFileSync(process.execPath, ['bin/0g-compute.js', 'man']))
}
