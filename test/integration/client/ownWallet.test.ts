import { cpSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { startWorld, type World } from '../../support/world.ts'

let world: World
let env: Record<string, string>

beforeAll(async () => {
  world = await startWorld()
  env = { ...devnetHome(world), ZG_PASSWORD: 'correct horse' }
})

afterAll(async () => {
  await cli('wallet', 'lock')
  await world?.stop()
})

const cli = (...args: string[]) => runCli(args, env)

it('a wallet of one’s own on a devnet gets money there, and pays where it is named', async () => {
  const made = await cli('wallet', 'new', '--name', 'own')
  expect(made.stderr).toContain("The devnet's own account goes on to pay there, unless you say --wallet own")
  expect(made.stderr).toContain('Next: 0g-compute devnet fund own')
  expect((await cli('wallet', 'use', 'own')).stderr).toContain('--wallet own')
  expect((await cli('wallet', 'show')).stdout).toMatch(/the devnet's user account(.|\n)*Wallets: own/)
  const poor = await cli('wallet', 'show', '--wallet', 'own')
  expect(poor.stderr).toContain('Next: 0g-compute devnet fund own\n')
  const unpaid = JSON.parse((await cli('fund', '1500', '--wallet', 'own', '--json')).stdout)
  expect(unpaid).toMatchObject({ code: 'insufficient_funds', next: '0g-compute devnet fund own 1501' })
  expect((await cli('doctor', '--wallet', 'own')).stderr).toContain('Next: 0g-compute devnet fund own\n')

  const funded = JSON.parse((await cli('devnet', 'fund', 'own', '--json')).stdout)
  expect(funded.balance).toBe(`1000${'0'.repeat(18)}`)
  const more = JSON.parse((await cli('devnet', 'fund', funded.address, '0.5', '--json')).stdout)
  expect(more.balance).toBe(`10005${'0'.repeat(17)}`)
  const shown = JSON.parse((await cli('wallet', 'show', '--wallet', 'own', '--json')).stdout)
  expect(shown).toMatchObject({ address: funded.address, balance: more.balance })
  const inLedger = await cli('fund', '3', '--wallet', 'own')
  expect(inLedger).toMatchObject({ code: 0, stdout: '3 0G deposited, on devnet.\n' })
  expect(inLedger.stderr).toMatch(/Next: 0g-compute infer "…" --wallet own$/m)

  expect(JSON.parse((await cli('devnet', 'fund', 'nobody', '--json')).stdout).code).toBe('wallet_unknown')
  const elsewhere = await runCli(['wallet', 'use', 'own'], { ...env, ZG_NETWORK: 'testnet' })
  expect(elsewhere.stderr).toBe('')
})

it('a wallet is unlocked for a while, for its owner alone, and locked again', async () => {
  await cli('wallet', 'new', '--name', 'held')
  await cli('devnet', 'fund', 'held')
  const { ZG_PASSWORD: _, ...unasked } = env
  const pay = () => runCli(['fund', '3', '--wallet', 'held', '--json'], unasked)
  const refused = { code: 2, stdout: expect.stringContaining('terminal_needed') }
  const unlocked = await cli('wallet', 'unlock', 'held', '--for', '1h')
  expect(unlocked).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Wallet held is unlocked until 20/),
  })
  const socket = join(world.dir, 'wallets', 'held.agent')
  expect(statSync(socket).mode & 0o777).toBe(0o600)
  expect(await pay()).toMatchObject({ code: 0 })

  const locked = await runCli(['wallet', 'lock', '--json'], unasked)
  expect(JSON.parse(locked.stdout)).toEqual({ locked: ['held'] })
  expect(existsSync(socket)).toBe(false)
  expect(await pay()).toMatchObject(refused)

  await cli('wallet', 'unlock', 'held', '--for', '1s')
  await expect.poll(() => existsSync(socket)).toBe(false)
}, 120_000)

it('a wallet that no agent can hold stays locked, and says why', async () => {
  const home = join(world.dir, 'deep'.repeat(30))
  cpSync(join(world.dir, 'wallets'), join(home, 'wallets'), { recursive: true })
  const { code, stdout } = await runCli(['wallet', 'unlock', 'held', '--json'], { ...env, ZG_HOME: home })
  expect([code, JSON.parse(stdout).code]).toEqual([20, 'agent_unavailable'])
})

it('money is made on a devnet alone', async () => {
  const { code, stdout } = await runCli(
    ['devnet', 'fund', `0x${'11'.repeat(20)}`, '--network', 'mainnet', '--json'],
    { ZG_HOME: world.dir, ZG_DEVNET_DIR: `${world.dir}/none` },
  )
  expect([code, JSON.parse(stdout).code]).toEqual([1, 'devnet_down'])
})
