import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AdminFile } from '../../src/provider/admin/adminFile.ts'
import { devnetHome } from './devnetHome.ts'
import type { World } from './world.ts'

export interface ServeProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly dataDir: string
  /** What it wrote to stdout and stderr. */
  readonly logFile: string
  admin(): AdminFile
  /** Resident memory as its metrics say, bytes. */
  residentBytes(): Promise<number>
  stop(): Promise<void>
}

/** `provider serve` as a process of its own on a test's chain; everything that it writes lies in the world's folder. */
export async function startServe(
  world: World,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program = 'bin/0g-compute.js',
): Promise<ServeProcess> {
  devnetHome(world)
  const dataDir = join(world.dir, 'broker')
  const logFile = join(world.dir, 'serve.log')
  const [home, tmp] = [join(world.dir, 'home'), join(world.dir, 'tmp')]
  for (const dir of [home, tmp]) mkdirSync(dir, { recursive: true })
  const log = openSync(logFile, 'a')
  const argv = [
    program,
    'provider',
    'serve',
    '--network',
    'devnet',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    ...args,
  ]
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', log, log, 'ipc'],
    env: {
      ...process.env,
      HOME: home,
      TMPDIR: tmp,
      ZG_HOME: join(home, 'zg'),
      ZG_DEVNET_DIR: join(world.dir, 'devnet'),
      ...env,
    },
  })
  const message = await new Promise<{ type: string; url: string }>((resolve, reject) => {
    child.once('message', (value) => resolve(value as { type: string; url: string }))
    child.once('exit', (code) =>
      reject(new Error(`provider serve ended with ${code}: ${readFileSync(logFile, 'utf8')}`)),
    )
  })
  if (message.type !== 'ready') throw new Error(JSON.stringify(message))
  await world.acknowledge()
  const admin = () => JSON.parse(readFileSync(join(dataDir, 'admin.json'), 'utf8')) as AdminFile
  return {
    child,
    url: message.url,
    dataDir,
    logFile,
    admin,
    async residentBytes() {
      const text = await (await fetch(`${admin().url}/metrics`)).text()
      return Number(/^process_resident_memory_bytes\{.*\} (\d+)$/m.exec(text)![1])
    },
    async stop() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}
