import { execFile } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let env: Record<string, string>

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  env = devnetHome(world, broker.url)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

const file = (name: string, contents: string | Buffer): string => {
  const path = join(world.dir, name)
  writeFileSync(path, contents)
  return path
}
const lastBody = () => JSON.parse(scripted.requests.at(-1)!.body)
const STEADY = ['--model', 'steady', '--max-tokens', '3']

describe('infer', () => {
  it('sends an image, a schema and tools as OpenAI has them', async () => {
    const image = file('photo.png', Buffer.from('89504e470d0a1a0a', 'hex'))
    const schema = file('schema.json', '{"type":"object"}')
    const tools = file('tools.json', '{"type":"function","function":{"name":"f"}}')
    const options = ['--image', image, '--schema', schema, '--tools', tools]
    const { code, stderr } = await runCli(['infer', 'What is it?', ...STEADY, ...options], env)
    expect(code, stderr).toBe(0)
    const { messages, response_format, tools: sent } = lastBody()
    expect(messages[0].content).toEqual([
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ])
    expect(response_format.json_schema).toEqual({ name: 'answer', strict: true, schema: { type: 'object' } })
    expect(sent).toEqual([{ type: 'function', function: { name: 'f' } }])
  })

  it('warns before money moves of a text that will hardly fit, and does not refuse it', async () => {
    const fits = await runCli(['infer', '-', ...STEADY], env, 'x'.repeat(4096 * 8))
    const { code, stderr } = await runCli(['infer', '-', ...STEADY], env, 'x'.repeat(4096 * 8 + 1))
    expect([code, fits.stderr.includes('Warning')]).toEqual([0, false])
    expect(stderr).toContain('Warning: steady reads 4096 tokens at a time, and this is 32769 bytes of text')
  })

  it('reads the question from stdin with -', async () => {
    expect((await runCli(['infer', '-', ...STEADY], env, 'from stdin\n')).code).toBe(0)
    expect(lastBody().messages).toEqual([{ role: 'user', content: 'from stdin' }])
  })

  it.each([
    ['image_invalid', 30, ['--image', 'package.json']],
    ['file_unreadable', 2, ['--image', 'nothing.png']],
    ['json_invalid', 30, ['--schema', 'README.md']],
    ['option_invalid', 2, ['--sort', 'beauty']],
    ['no_suitable_provider', 1, ['--max-price', '0']],
  ])('says %s before anything is sent', async (expected, exit, options) => {
    const before = scripted.requests.length
    const { code, stdout } = await runCli(['infer', 'x', ...options, '--json'], env)
    const error = JSON.parse(stdout)
    expect([code, error.code]).toEqual([exit, expected])
    if (expected.endsWith('_invalid')) expect(error.next).toBe('0g-compute infer --help')
    expect(scripted.requests).toHaveLength(before)
  })
})

describe('chat', () => {
  it('takes a turn of each line, keeps what was said, and asks nothing without a terminal', async () => {
    const kept = join(world.dir, 'kept.json')
    const lines = [
      `/save ${join(world.dir, 'empty.json')}`,
      '/model nosuch',
      'first',
      'second',
      '/cost',
      '/verify',
      '/model',
      '/nonsense',
      `/save ${kept}`,
      `/save ${kept}`,
      '/save /dev/null/x',
      '/quit',
      'never',
    ].join('\n')
    const { code, stdout, stderr } = await runCli(['chat', ...STEADY, '--system', 'short'], env, lines)
    expect([code, stdout]).toEqual([0, 't0 t1 t2 \nt0 t1 t2 \n'])
    expect(lastBody().messages).toEqual([
      { role: 'system', content: 'short' },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 't0 t1 t2 ' },
      { role: 'user', content: 'second' },
    ])
    expect(existsSync(join(world.dir, 'empty.json'))).toBe(false)
    for (const said of [
      'There is no answer yet.',
      'Nobody sells nosuch',
      'for 2 answers',
      'receipt-signature',
      'steady',
      'There is no /nonsense',
      '(file_exists)',
      '(file_unwritable)',
    ])
      expect(stderr).toContain(said)
    expect(stderr).not.toContain('> ')
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({
      messages: { length: 5 },
      answers: { length: 2 },
    })
  })

  it('goes on after a question that failed, and its exit code says so', async () => {
    const { code, stdout, stderr } = await runCli(
      ['chat', ...STEADY],
      env,
      '/model fails\nx\n/model steady\nx\n',
    )
    expect([code, stdout]).toEqual([1, 't0 t1 t2 \n'])
    expect(stderr).toContain('(engine_failed)')
  })

  it('is one object a line with --json', async () => {
    const { stdout } = await runCli(['chat', ...STEADY, '--json'], env, 'a\nb\n')
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(answers).toMatchObject([{ verdict: 'accepted' }, { verdict: 'accepted' }])
  })
})

describe('embed', () => {
  it('says when a provider answers no vectors', async () => {
    const { code, stdout } = await runCli(['embed', 'x', '--model', 'steady', '--json'], env)
    expect([code, JSON.parse(stdout).code]).toEqual([30, 'provider_answer_malformed'])
  })

  it('sends nothing where the vectors could cost more than --max-cost', async () => {
    const before = scripted.requests.length
    const args = ['embed', 'x', '--model', 'steady', '--max-cost', '0.00000000001', '--json']
    const { code, stdout } = await runCli(args, env)
    expect([code, JSON.parse(stdout).code]).toEqual([5, 'max_cost_exceeded'])
    expect(scripted.requests).toHaveLength(before)
  })
})

describe('doctor', () => {
  it('finds everything right on a devnet', async () => {
    const { code, stdout } = await runCli(['doctor', '--json'], env)
    expect(code, stdout).toBe(0)
    const { checks } = JSON.parse(stdout) as { checks: { name: string; result: string }[] }
    expect(checks.filter(({ result }) => result === 'FAIL')).toEqual([])
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'network', 'wallet', 'funds', 'provider']),
    )
  })

  it('names what is wrong and what repairs it, exit 1', async () => {
    const home = join(world.dir, 'nowhere')
    const { code, stdout } = await runCli(
      ['doctor', '--network', 'testnet', '--rpc', 'http://127.0.0.1:1', '--json'],
      { ZG_HOME: home },
    )
    expect(code).toBe(1)
    const { ok, checks } = JSON.parse(stdout)
    expect(ok).toBe(false)
    expect(checks).toEqual(
      expect.arrayContaining([
        {
          name: 'network',
          result: 'FAIL',
          detail: expect.stringContaining('127.0.0.1:1'),
          fix: 'name another with --rpc, or none',
        },
        { name: 'wallet', result: 'FAIL', detail: expect.any(String), fix: '0g-compute wallet new' },
      ]),
    )
    expect(existsSync(home)).toBe(false)
  })

  it('warns of a token that others can read', async () => {
    await runCli(['proxy', '--show-token'], env)
    chmodSync(join(world.dir, 'proxy', 'token'), 0o644)
    const { stdout } = await runCli(['doctor'], env)
    expect(stdout).toMatch(/WARN {2}secrets .*proxy\/token/)
  })
})

describe('completion', () => {
  const words = async (...typed: string[]) => {
    const { code, stdout } = await runCli(['completion', 'words', '--json', '--', ...typed], env)
    expect(code).toBe(0)
    return JSON.parse(stdout).candidates
  }

  it('knows commands and options', async () => {
    expect(await words('prox')).toEqual(['proxy'])
    expect(await words('fund', 's')).toEqual(['status'])
    expect(await words('infer', '--max-t')).toEqual(['--max-tokens'])
    expect(await words('infer', '--sort', '')).toEqual(['latency', 'price', 'verifiability'])
  })

  it('knows models and providers as they are now', async () => {
    expect(await words('infer', '--model', 'st')).toEqual(['steady'])
    expect(await words('provider', 'show', '0x')).toEqual([broker.provider])
    expect(
      await runCli(['completion', 'words', '--', 'infer', '--model', ''], {
        ...env,
        ZG_NETWORK: 'testnet',
        ZG_RPC: 'http://127.0.0.1:1',
      }),
    ).toMatchObject({ code: 0, stdout: '\n' })
  })

  it('works in bash', async () => {
    const bin = join(world.dir, '0g-compute')
    const program = join(import.meta.dirname, '../../../bin/0g-compute.js')
    writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 })
    const script =
      'source <(0g-compute completion bash); COMP_WORDS=(0g-compute keys re); COMP_CWORD=2; _0g_compute; printf "%s\\n" $COMPREPLY'
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      env: { ...env, PATH: `${world.dir}:${process.env.PATH}` },
    })
    expect(stdout).toBe('revoke\n')
  })

  it.each(['bash', 'zsh', 'fish', 'powershell'])('has a script for %s', async (shell) => {
    const { code, stdout } = await runCli(['completion', shell], env)
    expect([code, stdout]).toEqual([0, expect.stringContaining('completion words --quiet')])
  })

  it('has none for others', async () => {
    expect(await runCli(['completion', 'tcsh'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('shell_unknown'),
    })
  })
})
