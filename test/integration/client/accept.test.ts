import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { startEmbeddedEngine } from '../../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { startTamperProxy, type TamperProxy } from '../../support/tamperProxy.ts'
import { startWorld, type World } from '../../support/world.ts'

let world: World
let engine: Engine
let broker: Broker
let host: TamperProxy
let env: Record<string, string>

/** A broker that gives no receipts, as those of the live network. */
beforeAll(async () => {
  ;[world, engine, host] = await Promise.all([
    startWorld(),
    startEmbeddedEngine({ modelPath: DEMO, logger: silentLogger }),
    startTamperProxy(),
  ])
  broker = await world.startBroker(engine, { publicUrl: host.url })
  host.target = `http://127.0.0.1:${broker.port}`
  host.tampering = { proof: ({ receipt: _, ...proof }) => proof as never }
  env = devnetHome(world, broker.url)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await host?.stop()
})

const ROOT = join(import.meta.dirname, '../../..')
const DEMO = join(ROOT, 'models/demo/demo.gguf')
const UNBOUND = 'the provider gave no receipt for this answer'

const CASES: readonly [command: string, args: readonly string[], input: string][] = [
  ['infer', ['infer', 'Say something', '--max-tokens', '3'], ''],
  ['chat', ['chat', '--max-tokens', '3'], 'Say something\n'],
  ['embed', ['embed', 'a sentence'], ''],
]

describe('an answer that is not bound', { timeout: 300_000 }, () => {
  it.each(CASES)(
    'is printed by %s, which says what is unbound and exits 11',
    async (_command, args, input) => {
      const { code, stdout, stderr } = await runCli(args, env, input)
      expect(code, stderr).toBe(11)
      expect(stdout.trim()).not.toBe('')
      expect(stderr).toContain(UNBOUND)
    },
  )

  it.each(CASES)('is good enough for %s with --accept incomplete', async (_command, args, input) => {
    const { code, stderr } = await runCli([...args, '--accept', 'incomplete'], env, input)
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(UNBOUND)
  })

  it('is good enough by environment, by configuration, and not by a file in a stranger’s repository', async () => {
    const [, args] = CASES[0]!
    expect((await runCli(args, { ...env, ZG_ACCEPT: 'incomplete' })).code).toBe(0)
    const project = join(world.dir, 'repository')
    mkdirSync(project)
    writeFileSync(join(project, '.0g-compute.json'), JSON.stringify({ accept: 'incomplete' }))
    expect((await runCli(args, env, '', project)).code).toBe(11)
    const config = join(world.dir, 'config.json')
    expect((await runCli(['config', 'set', 'accept', 'incomplete'], env)).code).toBe(0)
    expect((await runCli(args, env)).code).toBe(0)
    writeFileSync(config, '{}')
  })

  it('is good enough on one network, where its profile says so', async () => {
    const [, args] = CASES[0]!
    const { name: _name, kind: _kind, simulatedTee: _tee, ...profile } = world.network
    const own = (accept?: string) =>
      writeFileSync(join(home, 'config.json'), JSON.stringify({ networks: { mine: { ...profile, accept } } }))
    // On such a network simulated evidence is none; here the broker shows nothing, as if it had no TEE.
    const { tampering } = host
    host.tampering = { ...tampering, document: (url) => (url.pathname === '/v1/quote' ? '' : null) }
    const home = join(world.dir, 'another-home')
    mkdirSync(home)
    const keyed = { ZG_HOME: home, ZG_PRIVATE_KEY: world.user.privateKey }
    const on = [...args, '--network', 'mine', '--yes']
    own()
    expect((await runCli(on, keyed)).code).toBe(11)
    own('incomplete')
    expect((await runCli(on, keyed)).code).toBe(0)
    host.tampering = tampering
    expect((await runCli(args, { ...env, ZG_HOME: home })).code).toBe(11)
  })

  it.each([
    [[], 11],
    [['--accept', 'incomplete'], 0],
  ] as const)('passes through the proxy with %j, which ends with exit %i', async (more, exit) => {
    const args = [join(ROOT, 'bin/0g-compute.js'), 'proxy', '--port', '0', '--json', ...more]
    const proxy = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    proxy.stderr.on('data', (text) => {
      stderr += text
    })
    const ended = new Promise<number | null>((resolve) => proxy.once('exit', resolve))
    const line = await new Promise<string>((resolve) => proxy.stdout.once('data', resolve))
    const { baseUrl, tokenFile } = JSON.parse(line) as { baseUrl: string; tokenFile: string }
    const token = readFileSync(tokenFile, 'utf8').trim()
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'auto',
        max_tokens: 3,
        messages: [{ role: 'user', content: 'hello' }],
      }),
    })
    expect([response.status, response.headers.get('x-0g-verdict')]).toEqual([200, 'incomplete'])
    await response.arrayBuffer()
    proxy.kill('SIGTERM')
    expect(await ended, stderr).toBe(exit)
    expect(stderr).toContain(UNBOUND)
  })

  it('is not bought at all where --accept is given another word', async () => {
    const [, args] = CASES[0]!
    const { code, stderr } = await runCli([...args, '--accept', 'anything'], env)
    expect([code, stderr]).toEqual([2, expect.stringContaining('(option_invalid)')])
  })

  it('is not bought where the policy rejects its provider', async () => {
    const [, args] = CASES[0]!
    const policy = join(world.dir, 'policy.json')
    writeFileSync(policy, JSON.stringify({ gpu: 'required' }))
    const { code, stderr, stdout } = await runCli([...args, '--policy', policy], env)
    expect([code, stdout]).toEqual([10, ''])
    expect(stderr).toContain('(provider_rejected)')
  })
})
