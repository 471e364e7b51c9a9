import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyHome } from './home.ts'

const home = emptyHome()
const PROGRAM = join(import.meta.dirname, '../../../bin/0g-compute.js')

describe('wrong usage', () => {
  it.each<[string[], string, RegExp]>([
    [['walet', 'new'], 'command_unknown', /Did you mean "wallet new"/],
    [['infre', 'hello'], 'command_unknown', /Did you mean "infer"/],
    [['fnud'], 'command_unknown', /Did you mean "fund"/],
    [['provider', 'lsit'], 'command_unknown', /Did you mean "provider list"/],
    [['xyzzy'], 'command_unknown', /Help lists the commands/],
    [['wallet', 'burn'], 'command_unknown', /./],
    [['--nonsense'], 'usage', /--nonsense/],
    [['fund', '--nonsense'], 'usage', /--nonsense/],
    [['infer', 'x', '--modle', 'y'], 'usage', /--model/],
    [['fund', '1', '2'], 'usage', /too many arguments/],
    [['infer', 'what', 'is', 'it?'], 'usage', /goes in quotes/],
    [['wallet', 'use'], 'usage', /missing required argument/],
    [['fund', 'many'], 'amount_invalid', /"many"/],
    [['fund', '1e3'], 'amount_invalid', /1e3/],
    [['fund', '0'], 'amount_invalid', /above 0/],
    [['fund', 'withdraw', '0.0'], 'amount_invalid', /above 0/],
    [['devnet', 'up', '--port', '65536'], 'option_invalid', /from 0 to 65535/],
    [['fund', '--', '-1'], 'amount_invalid', /-1/],
    [['fund', '1', '--provider', '0x12'], 'address_invalid', /0x12/],
    [['infer', 'x', '--max-tokens', '0'], 'option_invalid', /--max-tokens/],
    [['infer', 'x', '--max-tokens', '1.5'], 'option_invalid', /--max-tokens/],
    [['infer', 'x', '--temperature', 'hot'], 'option_invalid', /--temperature/],
    [['infer', 'x', '--max-cost', 'all'], 'amount_invalid', /all/],
    [['fund', 'withdraw'], 'usage', /--all/],
    [['fund', 'withdraw', '1', '--all'], 'usage', /--all/],
    [['infer'], 'prompt_missing', /stdin/],
    [['network', 'use', 'nowhere'], 'network_unknown', /nowhere/],
    [['network', 'show', '--network', 'nowhere'], 'network_unknown', /nowhere/],
    [['config', 'get', 'colour'], 'setting_unknown', /colour/],
    [['config', 'set', 'max-cost', 'lots'], 'amount_invalid', /lots/],
    [['config', 'set', 'network', 'testnt'], 'network_unknown', /Did you mean "testnet"/],
    [['config', 'set', 'usd-rate', 'abc'], 'usd_rate_invalid', /abc.*\n.*0\.5/],
    [['config', 'set', 'usd-rate', '0'], 'usd_rate_invalid', /dollars/],
    [['config', 'set', 'rpc', 'ftp://x'], 'url_invalid', /http/],
    [['config', 'set', 'accept', 'rejected'], 'option_invalid', /incomplete/],
    [['config', 'set', 'policy', 'nothing.json'], 'file_unreadable', /nothing/],
    [['network', 'use', 'mianet'], 'network_unknown', /Try: 0g-compute network use mainnet/],
    [['network', 'show', '--rpc', 'foo'], 'url_invalid', /https:.*\n.*Try: 0g-compute network show --help/],
    [['receipts', 'list', '--rpc', 'ws://127.0.0.1'], 'url_invalid', /of --rpc is/],
    [['provider', 'init', '--network', 'mianet'], 'network_unknown', /Did you mean "mainnet"/],
    [['train', 'create'], 'usage', /--config is missing[\s\S]*Try: 0g-compute train create --help/],
    [['train', 'create', '--config', 'x', '--vocabulary', '1'], 'option_invalid', /from 260 up/],
  ])('%j is %s, exit 2', async (args, code, says) => {
    const text = await home.run(args)
    expect([text.code, text.stdout]).toEqual([2, ''])
    expect(text.stderr).toContain(`(${code})`)
    expect(text.stderr).toMatch(says)
    const json = await home.run([...(args.includes('--') ? ['--json', ...args] : [...args, '--json'])])
    expect([json.code, json.stderr]).toEqual([2, ''])
    const error = JSON.parse(json.stdout)
    expect(error).toMatchObject({ code, retryable: false })
    if (code.endsWith('_invalid')) expect(error.next).toMatch(/^0g-compute /)
    expect(json.stdout.trimEnd()).not.toContain('\n')
    for (const key of Object.keys(error))
      expect(['code', 'message', 'hint', 'next', 'retryable', 'details']).toContain(key)
  })

  it('does not begin to read the chain for it', async () => {
    const { stdout } = await home.run(['fund', '1', '--rpc', 'http://127.0.0.1:1', '--max', '--json'])
    expect(JSON.parse(stdout).code).toBe('usage')
  })
})

describe('no key', () => {
  it.each([[['fund', '1']], [['infer', 'x']], [['wallet', 'show']], [['receipts', 'list']]])(
    '%j exits 4',
    async (args) => {
      const { code, stdout } = await home.run([...args, '--json'])
      expect(code).toBe(4)
      expect(JSON.parse(stdout)).toMatchObject({ code: 'no_key', next: '0g-compute wallet new' })
    },
  )

  it('a key that is none exits 4 and is not repeated', async () => {
    const secret = 'abcdef0123456789'
    const { code, stdout, stderr } = await home.run(['wallet', 'show', '--json'], { ZG_PRIVATE_KEY: secret })
    expect(code).toBe(4)
    expect(JSON.parse(stdout).code).toBe('key_invalid')
    expect(stdout + stderr).not.toContain(secret)
  })
})

describe('colour', () => {
  const fail = (env: Record<string, string>, ...args: string[]) => home.run(['xyzzy', ...args], env)
  const ESCAPE = '\u001b['

  it('is off where stderr is no terminal, and on when it is forced', async () => {
    expect((await fail({})).stderr).not.toContain(ESCAPE)
    expect((await fail({ FORCE_COLOR: '1' })).stderr).toContain(ESCAPE)
    expect((await fail({ CLICOLOR_FORCE: '1' })).stderr).toContain(ESCAPE)
  })

  it('is off with NO_COLOR and --no-color, whatever else is set', async () => {
    expect((await fail({ NO_COLOR: '1', FORCE_COLOR: '1' })).stderr).not.toContain(ESCAPE)
    expect((await home.run(['config', 'get', 'x', '--no-color'], { FORCE_COLOR: '1' })).stderr).not.toContain(
      ESCAPE,
    )
  })
})

describe('settings', () => {
  const origins = async (args: string[] = [], env: Record<string, string> = {}) => {
    const { stdout } = await home.run(['config', 'list', '--json', ...args], env)
    const { settings } = JSON.parse(stdout) as { settings: { name: string; value: string; origin: string }[] }
    return (name: string) => settings.find((setting) => setting.name === name)
  }

  it('are taken from flag, environment, project file, user configuration, in this order', async () => {
    await home.run(['config', 'set', 'network', 'testnet'])
    await home.run(['config', 'set', 'rpc', 'http://user.example'])
    expect((await origins())('network')).toMatchObject({
      value: 'testnet',
      origin: join(home.dir, 'config.json'),
    })
    const project = { network: 'mainnet', model: 'm', rpc: 'http://project.example' }
    writeFileSync(join(home.dir, '.0g-compute.json'), JSON.stringify(project))
    expect((await origins())('network')).toMatchObject({
      value: 'mainnet',
      origin: join(home.dir, '.0g-compute.json'),
    })
    expect((await origins([], { ZG_NETWORK: 'devnet' }))('network')).toMatchObject({
      value: 'devnet',
      origin: 'ZG_NETWORK',
    })
    const byFlag = await origins(['--network', 'testnet'], { ZG_NETWORK: 'devnet' })
    expect(byFlag('network')).toMatchObject({ value: 'testnet', origin: '--network' })
    // A project may come with a stranger's repository: it does not choose where calls go.
    expect((await origins())('rpc')).toMatchObject({ value: 'http://user.example' })
  })

  it('are kept only where the commands that use them would take them', async () => {
    const set = async (...args: string[]) => (await home.run(['config', 'set', ...args])).code
    expect(await set('wallet', 'nobody')).toBe(4)
    writeFileSync(join(home.dir, 'policy.json'), '{"v": 1, "gpu": "required"}')
    expect(await set('policy', 'policy.json')).toBe(0)
    const kept = await origins()
    expect([kept('wallet')?.value, kept('policy')?.value]).toEqual([null, join(home.dir, 'policy.json')])
    for (const [name, value] of [
      ['network', 'devnet'],
      ['usd-rate', '0.5'],
      ['accept', 'incomplete'],
    ])
      expect(await set(name!, value!), name).toBe(0)
    for (const name of ['policy', 'network', 'usd-rate', 'accept']) expect(await set(name)).toBe(0)
  })

  it('say where the mistake is when a file is malformed', async () => {
    writeFileSync(join(home.dir, '.0g-compute.json'), '[1]')
    const { code, stdout } = await home.run(['config', 'list', '--json'])
    expect(code).toBe(30)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'config_malformed' })
    expect(JSON.parse(stdout).message).toContain('.0g-compute.json')
    writeFileSync(join(home.dir, '.0g-compute.json'), '{}')
  })
})

describe('a reader that leaves early', () => {
  it('is no failure', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'help', 'trust'], {
      env: { ...process.env, ZG_HOME: home.dir },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect([code, stderr]).toEqual([0, ''])
  })
})
