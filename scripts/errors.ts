import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue, render } from './errors/catalogue.ts'

/** Writes `docs/ERRORS.md` from the code. `--check` changes nothing, and fails when it is not current. */
const ROOT = join(import.meta.dirname, '..')
const PATH = join(ROOT, 'docs/ERRORS.md')
const text = render(catalogue(ROOT))

if (!process.argv.includes('--check')) {
  writeFileSync(PATH, text)
} else if (readFileSync(PATH, 'utf8') !== text) {
  console.error('docs/ERRORS.md is not current. Run: node scripts/errors.ts')
  process.exitCode = 1
}
