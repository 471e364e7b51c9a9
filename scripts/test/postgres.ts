import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { postgresBinaries } from '../../test/support/postgres.ts'
import { installExtra } from '../extras.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

/** The ledger on PostgreSQL, with a server that this installs. */
export const postgres = (): Part => ({
  name: 'ledger on PostgreSQL (vitest)',
  async run() {
    const problem = await preparePostgres()
    return problem
      ? skipped(`the ledger on PostgreSQL: ${problem}`)
      : vitest(['--config', 'test/postgres/vitest.config.ts']).run()
  },
})

/** @returns why it cannot run, or nothing */
export async function preparePostgres(): Promise<string | undefined> {
  const problem = await installExtra('postgres')
  if (problem) return problem
  const native = postgresBinaries()
  await makeLinks(native)
  const works = await runProgram(join(native, 'bin/postgres'), ['--version'])
  return works.code === 0 ? undefined : 'its binaries do not run on this machine'
}

/** The package's only install script makes the links between the libraries' names, below its working folder. */
async function makeLinks(native: string): Promise<void> {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as readonly Link[]
  for (const { source, target } of links) {
    const path = join(dirname(native), target)
    if (existsSync(path)) continue
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(relative(dirname(target), source), path)
  }
}

/** Both relative to the package. */
interface Link {
  readonly source: string
  readonly target: string
}
