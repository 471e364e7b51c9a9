import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MUTATIONS, type Mutation } from './mutate/mutations.ts'
import { runProgram } from './test/spawn.ts'

/**
 * Do the tests notice bugs? Puts one deliberate bug at a time into a scratch copy of the contracts and runs the
 * tests that ought to fail. Exits 1 when a bug survives. Arguments: names of mutations, none for all.
 */
const ROOT = join(import.meta.dirname, '..')
const COPIED = ['contracts', 'test/contracts', 'foundry.toml', 'scripts/solc', 'package.json']

const wanted = process.argv.slice(2)
const chosen = MUTATIONS.filter(({ name }) => !wanted.length || wanted.includes(name))
const scratch = mkdtempSync(join(tmpdir(), 'mutations-'))
let survivors = 0
try {
  for (const path of COPIED) cpSync(join(ROOT, path), join(scratch, path), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'))
  for (const mutation of chosen) {
    const startedAt = performance.now()
    const caught = await isCaught(mutation)
    if (!caught.by) survivors++
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    console.log(
      `${caught.by ? 'caught  ' : 'SURVIVED'} ${mutation.name.padEnd(44)} ${seconds.padStart(4)} s  ${caught.by || caught.why}`,
    )
  }
} finally {
  rmSync(scratch, { recursive: true })
}
console.log(`${chosen.length - survivors} of ${chosen.length} caught`)
process.exitCode = survivors || !chosen.length ? 1 : 0

/** @returns the first test that failed; a mutation that does not compile is not caught */
async function isCaught({ file, find, replace, tests }: Mutation): Promise<{ by: string; why: string }> {
  const path = join(scratch, file)
  const original = readFileSync(path, 'utf8')
  if (original.split(find).length !== 2) return { by: '', why: `its text is not in ${file} exactly once` }
  writeFileSync(
    path,
    original.replace(find, () => replace),
  )
  try {
    const args = ['test', '--root', scratch, '--match-path', tests, '--fail-fast', '--color', 'never']
    const { output } = await runProgram('forge', args, { FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' })
    const failed = /^\[FAIL[^\n]*\] (\w+)\(/m.exec(output)?.[1] ?? ''
    return { by: failed, why: /(\d+) tests passed/.test(output) ? 'all tests pass' : output.slice(-2000) }
  } finally {
    writeFileSync(path, original)
  }
}
