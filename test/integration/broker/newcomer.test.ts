import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { sqlite } from '../../../src/base/nodeSqlite.ts'
import { findAccount, findService } from '../../../src/chain/inference.ts'
import { CHAT } from '../../support/brokerBench.ts'
import { runCli } from '../../support/cli.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type ServeProcess, startServe } from '../../support/serveProcess.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let serve: ServeProcess
let engine: readonly string[]

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = ['--engine', 'url', '--target', scripted.target]
  serve = await startServe(world, engine)
  await world.fund(world.user)
})

afterAll(async () => {
  await serve?.stop()
  await world?.stop()
  await scripted?.stop()
})

/** A command of the operator. There is no configuration file. */
function provider(words: readonly string[], env: Record<string, string> = {}) {
  const home = { ZG_HOME: join(world.dir, 'home', 'zg'), ZG_DEVNET_DIR: join(world.dir, 'devnet') }
  return runCli(['provider', ...words], { ...home, ZG_NETWORK: 'devnet', ...env })
}

const here = () => ['--data-dir', serve.dataDir]

describe('an operator without a configuration file', () => {
  it('sees the price that it changed, and changes one without the other', async () => {
    const changed = await provider(['price', '--input', '0.08', ...here()])
    expect(changed.stdout).toContain('0.08 / 0.2 0G')
    expect(changed.stdout).toContain('the next start knows nothing of it')
    expect((await provider(['price', ...here()])).stdout).toContain('0.08 / 0.2 0G')
    const both = await provider(['price', '--output', '0.3', '--json', ...here()])
    expect(JSON.parse(both.stdout)).toMatchObject({ input: '80000000000', output: '300000000000' })
    const service = await findService(world.inference, world.provider.address as Address)
    expect([service!.inputPrice, service!.outputPrice]).toEqual([80_000_000_000n, 300_000_000_000n])
  })

  it('is led from a second start to the broker that runs, and not back', async () => {
    const second = await provider(['serve', ...engine, '--port', '0', ...here(), '--json'])
    expect(JSON.parse(second.stdout)).toMatchObject({
      code: 'ledger_locked',
      next: `0g-compute provider status --data-dir ${serve.dataDir}`,
    })
    expect(JSON.parse((await provider(['leave', '--json', ...here()])).stdout)).toMatchObject({
      code: 'provider_running',
      next: `0g-compute provider stop --settle-all --data-dir ${serve.dataDir}`,
    })
    const check = await provider(['check', ...engine, ...here()])
    expect(check.stdout).toContain(`one runs from this folder already, process ${serve.child.pid}`)
    expect(check.stderr).toContain(`Next: 0g-compute provider status --data-dir ${serve.dataDir}`)
  })

  it('is told what to run with the flags that it gave', async () => {
    const elsewhere = join(world.dir, 'elsewhere')
    const ready = await provider(['check', ...engine, '--data-dir', elsewhere])
    const flags = `--engine url --target ${scripted.target} --data-dir ${elsewhere}`
    expect(ready.stderr).toContain(`Next: 0g-compute provider serve ${flags}\n`)
    const nobody = await provider(['check', ...engine, '--wallet', 'nobody', '--data-dir', elsewhere])
    expect(nobody.stdout).toMatch(/FAIL {2}wallet {4}There is no wallet "nobody"/)
    const file = join(world.dir, 'serve.log')
    const onFile = await provider(['serve', ...engine, '--port', '0', '--data-dir', file, '--json'])
    expect([onFile.code, JSON.parse(onFile.stdout).code]).toEqual([2, 'data_dir_unusable'])
    const poor = { ZG_PRIVATE_KEY: Wallet.createRandom().privateKey }
    const start = [
      'serve',
      ...engine,
      '--port',
      '0',
      '--network',
      'devnet',
      '--data-dir',
      elsewhere,
      '--json',
    ]
    expect(JSON.parse((await provider(start, poor)).stdout)).toMatchObject({
      code: 'stake_insufficient',
      next: '0g-compute wallet show --network devnet',
    })
  })

  it('is told what stays owed when it stops, and can settle all of it', async () => {
    const token = await tokenOf(world.user, world.provider.address)
    const asked = await fetch(serve.url + CHAT, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5 }),
    })
    expect(asked.status).toBe(200)
    const owed = 10n * 80_000_000_000n + 5n * 300_000_000_000n
    const settled = async () =>
      (await findAccount(world.inference, world.user.address as Address, world.provider.address as Address))!
        .balance
    const before = await settled()
    const stopped = await provider(['stop', ...here()])
    expect(stopped.stdout.replaceAll(/\s+/g, ' ')).toContain(
      '0.0000023 0G of 1 user is still owed: less than the minimum of 0.004 0G each',
    )
    expect(stopped.stderr).toContain(`Next: 0g-compute provider serve --data-dir ${serve.dataDir}`)
    expect(await settled()).toBe(before)
    const check = await provider(['check', ...engine, ...here(), '--json'])
    expect(JSON.parse(check.stdout).checks).toContainEqual(
      expect.objectContaining({
        name: 'owed',
        text: expect.stringMatching(/^0\.0000023 0G of 1 user below settlement\.minimum, 0\.004 0G: /),
      }),
    )
    const ledger = new sqlite.DatabaseSync(join(serve.dataDir, 'ledger.sqlite'))
    ledger.exec("INSERT INTO finetune_tasks VALUES ('t', '0x', 'n', 'Training', 1, 1, 0, '{}', '')")
    expect(JSON.parse((await provider(['leave', '--json', ...here()])).stdout)).toMatchObject({
      code: 'provider_not_settled',
      message: 'There is still 0.0000023 0G of 1 user not settled, and 1 training not finished',
    })
    ledger.exec('DELETE FROM finetune_tasks')
    ledger.close()

    // Ctrl-C says the same where the broker was started.
    serve = await startServe(world, engine)
    serve.child.kill('SIGINT')
    await expect.poll(() => serve.child.exitCode).toBe(0)
    const log = readFileSync(serve.logFile, 'utf8').split('\nServing ').at(-1)!
    expect(log).toContain('\nStopping: 0.0000023 0G is owed. Ctrl-C again ends it at once.\n')
    expect(log).toContain(
      '\nThe broker has stopped. 0.0000023 0G of 1 user is still owed: less than the minimum',
    )
    expect(log).toMatch(/\nNext: 0g-compute provider serve .*--data-dir /)

    const without = await provider(['serve', ...engine, '--port', '0', '--tee', 'none', ...here(), '--json'])
    const refused = JSON.parse(without.stdout)
    expect(refused).toMatchObject({
      code: 'ledger_key_changed',
      next: `0g-compute provider serve --data-dir <another folder> --tee none ${engine.join(' ')} --port 0`,
    })
    expect(refused.hint).toMatch(/^1 user still owes 0\.0000023 0G in it\. Only who wrote it can settle it: /)

    serve = await startServe(world, engine)
    const all = await provider(['stop', '--settle-all', '--json', ...here()])
    expect(JSON.parse(all.stdout)).toMatchObject({ stopped: true, owed: '0', owing: 0 })
    expect(await settled()).toBe(before - owed)
  })
})

describe('a configuration file that is there', () => {
  it('gets fine-tuning added, and keeps the rest', async () => {
    const file = join(world.dir, 'provider.yaml')
    await provider(['init', file, ...engine, '--price-input', '0.08'])
    const before = readFileSync(file, 'utf8')
    const env = { ZG_PROVIDER_FINETUNE_PYTHON: process.execPath }
    expect(await provider(['init', file, '--finetune'], env)).toMatchObject({ code: 0 })
    const lines = before.split('\n')
    const changed = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line, index) => line !== lines[index])
    expect(changed).toEqual(['  enabled: true'])
    const more = await provider(['init', file, '--finetune', '--port', '1', '--json'], env)
    expect([more.code, JSON.parse(more.stdout).code]).toEqual([2, 'config_exists'])
  })

  it('that is wrong is said with what helps', async () => {
    const file = join(world.dir, 'wrong.yaml')
    writeFileSync(file, 'prices: { inptu: 1 }\n')
    const { code, stderr } = await provider(['status', '--config', file])
    expect(code).toBe(30)
    expect(stderr).toMatch(
      /wrong\.yaml:1: prices\.inptu is no setting[\s\S]*Try: 0g-compute provider init \.\/explained/,
    )
  })
})
