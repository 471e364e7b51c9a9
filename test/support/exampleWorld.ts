import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { silentLogger } from '../../src/base/log.ts'
import { startEmbeddedEngine } from '../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import { devnetHome } from './devnetHome.ts'
import { startWorld } from './world.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Where nothing is built, the package's name means its sources. */
const FROM_SOURCE = join(ROOT, 'test/integration/client/fromSource.mjs')

export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** What the examples find around them: a devnet with the demo model, and a proxy. */
export interface ExampleWorld {
  /** Runs a program in the repository's root. */
  run(file: string, args: readonly string[]): Promise<Output>
  /** Runs an ES module with the package's name known, and more hooks where they are needed. */
  runModule(args: readonly string[], hooks?: readonly string[]): Promise<Output>
  stop(): Promise<void>
}

export async function startExampleWorld(): Promise<ExampleWorld> {
  const [world, engine] = await Promise.all([
    startWorld(),
    startEmbeddedEngine({ modelPath: join(ROOT, 'models/demo/demo.gguf'), logger: silentLogger }),
  ])
  const broker = await world.startBroker(engine)
  // The least that theirs takes is beyond what the examples may spend: there the user has paid in before.
  if (world.contracts === 'theirs') await world.fund(world.user)
  const env = { ...process.env, ...devnetHome(world, broker.url) }
  const proxy = spawn(process.execPath, [join(ROOT, 'bin/0g-compute.js'), 'proxy', '--port', '0', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const { baseUrl, token } = await firstLine(proxy)
  const local = { ...env, OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: token }
  const run: ExampleWorld['run'] = (file, args) => promisify(execFile)(file, args, { cwd: ROOT, env: local })
  return {
    run,
    runModule: (args, hooks = []) =>
      run(process.execPath, [...[FROM_SOURCE, ...hooks].flatMap((hook) => ['--import', hook]), ...args]),
    async stop() {
      proxy.kill()
      await world.stop()
      await engine.stop()
    },
  }
}

const firstLine = (proxy: ChildProcess): Promise<{ baseUrl: string; token: string }> =>
  new Promise((resolve) => {
    proxy.stdout!.once('data', (line) => resolve(JSON.parse(line)))
  })
