import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type CliResult, runCli } from '../../support/cli.ts'

/** A home of its own for a test file, with nothing in it. */
export function emptyHome() {
  let dir = ''
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'zg-cli-'))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  return {
    get dir() {
      return dir
    },
    /** Runs in that folder. */
    run: (args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<CliResult> =>
      runCli(args, { ZG_HOME: dir, ...env }, input, dir),
  }
}
