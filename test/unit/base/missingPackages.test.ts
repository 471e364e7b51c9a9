import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** Our sources where no package is installed beside them. */
const bare = mkdtempSync(join(tmpdir(), 'zg-bare-'))

beforeAll(() => {
  writeFileSync(join(bare, 'package.json'), '{"type":"module"}')
  for (const path of [
    'src/base',
    'src/chain/anvil.ts',
    'src/provider/ledger/errors.ts',
    'src/provider/ledger/postgres/pg.ts',
  ]) {
    mkdirSync(dirname(join(bare, path)), { recursive: true })
    cpSync(path, join(bare, path), { recursive: true })
  }
})

afterAll(() => rmSync(bare, { recursive: true }))

/** The error that an expression over a module ends with there. */
function failureOf(module: string, expression: string): unknown {
  const code = `import * as m from './${module}'
try { ${expression} } catch (error) { console.log(JSON.stringify(error.toObject())) }`
  writeFileSync(join(bare, 'main.mjs'), code)
  return JSON.parse(execFileSync(process.execPath, ['main.mjs'], { cwd: bare, encoding: 'utf8' }))
}

it('a devnet without Anvil names what installs it', () => {
  expect(failureOf('src/chain/anvil.ts', 'm.anvilBinary()')).toMatchObject({
    code: 'anvil_missing',
    next: 'npm install @foundry-rs/anvil',
  })
})

it('a PostgreSQL ledger without its package says so', () => {
  const failure = failureOf('src/provider/ledger/postgres/pg.ts', "m.loadPg('postgres://x@127.0.0.1/x', 1)")
  expect(failure).toMatchObject({ code: 'pg_missing', hint: 'Run: npm install pg' })
})
