import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { parse } from '../../src/cli/framework/parse.ts'
import { route } from '../../src/cli/framework/route.ts'
import { OLD_COMMANDS, translate } from '../../src/cli/migration/translate.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { startDemo } from '../integration/engine/fixtures/engines.ts'
import { runCli } from '../support/cli.ts'
import { devnetHome } from '../support/devnetHome.ts'
import { startWorld, type World } from '../support/world.ts'
import { openCli } from './theirs-on-ours/published.ts'

const [DOCUMENT] = readFileSync(new URL('../../docs/MIGRATION.md', import.meta.url), 'utf8').split(
  '## Library',
)
/** `| old | new | remark |`, the first two as code. */
const TABLE = [...DOCUMENT!.matchAll(/^\| `([^`]+)` \| (?:`([^`]+)`|–) \|/gm)].map(([, old, now]) => ({
  old,
  now,
}))

let world: World
let engine: Engine
let broker: Broker
let env: Record<string, string>

beforeAll(async () => {
  ;[world, engine] = await Promise.all([startWorld(), startDemo()])
  broker = await world.startBroker(engine)
  env = devnetHome(world, broker.url)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
})

describe('docs/MIGRATION.md', () => {
  it('has every command of the present command line', async () => {
    const cli = openCli(join(world.dir, 'their-home'), world.anvil.url, world.user.privateKey)
    const names: string[] = []
    for (const group of ['', 'inference', 'fine-tuning', 'controller', 'web-ui']) {
      const { output } = await cli.run(...(group ? [group] : []), '--help')
      const commands = output
        .slice(output.indexOf('Commands:'))
        .matchAll(/^ {2}([a-z-]+)(\|[a-z]+)?(?= |$)/gm)
      for (const [, name, alias] of commands)
        if (name !== 'help' && name !== 'completion' && !alias) names.push(group ? `${group} ${name}` : name!)
    }
    expect(names.length).toBeGreaterThan(50)
    expect(OLD_COMMANDS.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
  })

  it('has a line for each that is understood', () => {
    expect(TABLE.map(({ old }) => old).sort()).toEqual(OLD_COMMANDS.map(({ example }) => example).sort())
  })

  it.each(TABLE)('$old', async ({ old, now }) => {
    if (now === undefined) {
      expect(() => translate(old!.split(' '))).toThrow(expect.objectContaining({ code: 'command_moved' }))
      return
    }
    const { argv } = translate(old!.split(' '))!
    expect(argv.join(' ')).toBe(now)
    const { entry, rest } = route(argv, COMMANDS)
    expect(entry, now).not.toBeNull()
    expect(typeof parse(entry!, (await entry!.load()).command, rest), now).toBe('object')
  })

  it.each(OLD_COMMANDS.flatMap(({ next }) => next ?? []))('points to %s', (next) => {
    expect(route(next.split(' ').slice(1), COMMANDS).entry).not.toBeNull()
  })
})

describe('an old command', () => {
  const run = async (line: string) => {
    const result = await runCli(`${line} --json`.split(' '), env)
    return { ...result, value: JSON.parse(result.stdout) }
  }

  it('does what it did, and says how it is called now', async () => {
    const deposit = await run('deposit --amount 3 --gas-price 1000000000')
    expect(deposit).toMatchObject({ code: 0, value: { deposited: `${3n * 10n ** 18n}` } })
    expect(deposit.stderr).toContain('Now: 0g-compute fund 3')
    expect(deposit.stderr).toContain('The price of gas is the chain’s own')
    const transfer = await run(`transfer-fund --provider ${broker.provider} --amount 2 --service inference`)
    expect(transfer).toMatchObject({ code: 0, value: { transferred: `${2n * 10n ** 18n}` } })
    expect(transfer.value.deposited).toBe('0')
    expect((await run('get-account')).value.subAccounts).toMatchObject([{ provider: broker.provider }])
    expect((await run('inf list-providers')).value.providers).toMatchObject([{ provider: broker.provider }])
    expect((await run(`inference verify --provider ${broker.provider}`)).value).toMatchObject({
      verdict: 'accepted',
    })
    expect(
      (await run(`inference get-secret --provider ${broker.provider} --duration 0`)).value,
    ).toMatchObject({
      key: expect.stringMatching(/^app-sk-/),
      expiresAt: null,
    })
    expect((await run(`inference revoke-all-tokens --provider ${broker.provider}`)).code).toBe(0)
    expect((await run('ft list-tasks --provider x')).value).toMatchObject({ tasks: [] })
    expect((await run('retrieve-fund --service inference')).code).toBe(0)
  })

  it.each([
    ['deposit', 'usage'],
    ['deposit --amount 1 --colour red', 'usage'],
    ['deposit --amount 1 --ledger-ca 0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0', 'command_moved'],
    ['transfer-fund --provider 0x1 --amount 1 --service fine-tuning', 'command_moved'],
    ['logout', 'command_moved'],
    ['inference list-logs', 'command_moved'],
    ['deposit --help', 'command_moved'],
  ])('%s is %s, exit 2', async (line, code) => {
    expect(await run(line)).toMatchObject({ code: 2, value: { code } })
  })
})

describe('migrate', () => {
  const folder = () => join(world.dir, 'before')
  const migrate = async (...args: string[]) => {
    const home = { ZG_HOME: join(world.dir, 'fresh'), HOME: folder(), ZG_PASSWORD: 'secret' }
    const { code, stdout, stderr } = await runCli(['migrate', ...args, '--json'], home)
    return { code, stderr, value: JSON.parse(stdout) }
  }

  it('says where there is nothing', async () => {
    expect(await migrate()).toMatchObject({ code: 1, value: { code: 'migration_nothing' } })
  })

  it('takes over key and network, encrypted, and says that the file of before still holds the key', async () => {
    openCli(folder(), world.anvil.url, world.user.privateKey)
    const path = join(folder(), '.0g-compute-cli/config.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), network: 'testnet' }))
    const { code, stderr, value } = await migrate()
    expect([code, value]).toMatchObject([
      0,
      { from: path, network: 'testnet', wallet: { name: 'migrated', address: world.user.address } },
    ])
    expect(stderr).toContain('still holds the key in clear')
    expect(readFileSync(value.wallet.path, 'utf8')).not.toContain(world.user.privateKey.slice(2))
    const { stdout } = await runCli(['config', 'get', 'network'], { ZG_HOME: join(world.dir, 'fresh') })
    expect(stdout).toBe('testnet\n')
  })

  it('quotes nothing of a file that it cannot read', async () => {
    mkdirSync(join(world.dir, 'broken'))
    const file = join(world.dir, 'broken/config.json')
    writeFileSync(file, `{"privateKey":"${world.user.privateKey}"`)
    const { code, value } = await migrate('--file', file)
    expect([code, value.code]).toEqual([30, 'config_malformed'])
    expect(JSON.stringify(value)).not.toContain(world.user.privateKey.slice(2, 20))
  })
})
