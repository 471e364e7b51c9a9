import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { startEmbeddedEngine } from '../../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { startWorld, type World } from '../../support/world.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FROM_SOURCE = join(import.meta.dirname, 'fromSource.mjs')

let world: World
let engine: Engine
let broker: Broker
let env: NodeJS.ProcessEnv
let proxy: ChildProcess
let local: Record<string, string>

beforeAll(async () => {
  ;[world, engine] = await Promise.all([
    startWorld(),
    startEmbeddedEngine({ modelPath: join(ROOT, 'models/demo/demo.gguf'), logger: silentLogger }),
  ])
  broker = await world.startBroker(engine)
  env = { ...process.env, ...devnetHome(world, broker.url) }
  proxy = spawn(process.execPath, [join(ROOT, 'bin/0g-compute.js'), 'proxy', '--port', '0', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const { baseUrl, token } = await new Promise<{ baseUrl: string; token: string }>((resolve) => {
    proxy.stdout!.once('data', (line) => resolve(JSON.parse(line)))
  })
  local = { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: token }
})

afterAll(async () => {
  proxy?.kill()
  await world?.stop()
  await engine?.stop()
})

const run = (file: string, args: string[]) =>
  promisify(execFile)(file, args, { cwd: ROOT, env: { ...env, ...local } })

const has = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
/** A Python that has the official client; ZG_TEST_PYTHON names another one. */
const PYTHON = process.env.ZG_TEST_PYTHON ?? 'python3'

describe('the example', () => {
  it('for Node buys an answer with the official OpenAI client', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--import', FROM_SOURCE, 'examples/node.mjs'])
    expect(stdout).toMatch(/receipt/i)
    expect(stderr).toMatch(/verdict: accepted, fee: \d+ neuron/)
  })

  it('of the SDK alone streams an answer', async () => {
    const { stdout } = await run(process.execPath, ['--import', FROM_SOURCE, 'examples/stream.mjs'])
    expect(stdout).toMatch(/receipt[\s\S]*accepted \(assurance: simulated\), \d+ neuron/i)
  })

  it('in the README does what it says', async () => {
    const [, block] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!
    const args = ['--import', FROM_SOURCE, '--input-type=module', '--eval', block!]
    expect((await run(process.execPath, args)).stdout).toMatch(/receipt/i)
  })

  it.skipIf(!has('curl', '--version'))('for curl gets an answer through the proxy', async () => {
    const { stdout } = await run('sh', ['examples/curl.sh'])
    expect(stdout).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(stdout).toMatch(/x-0g-verdict: accepted/)
  })

  it.skipIf(!has(PYTHON, '-c', 'import openai'))('for Python gets an answer through the proxy', async () => {
    const { stdout } = await run(PYTHON, ['examples/openai_client.py'])
    expect(stdout).toMatch(/receipt[\s\S]*\naccepted \d+ neuron\n$/i)
  })
})
