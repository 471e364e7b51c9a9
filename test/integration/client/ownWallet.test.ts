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

afterAll(() => world?.stop())

const cli = (...args: string[]) => runCli(args, env)

it('a wallet of one’s own on a devnet gets money there, and pays where it is named', async () => {
  const made = await cli('wallet', 'new', '--name', 'own')
  expect(made.stderr).toContain("The devnet's own account goes on to pay there, unless you say --wallet own")
  expect(made.stderr).toContain('Next: 0g-compute devnet fund own')
  expect((await cli('wallet', 'use', 'own')).stderr).toContain('--wallet own')
  expect((await cli('wallet', 'show')).stdout).toMatch(/the devnet's user account(.|\n)*Wallets: own/)
  const poor = await cli('wallet', 'show', '--wallet', 'own')
  expect(poor.stderr).toMatch(/Next: 0g-compute devnet fund 0x/)

  const funded = JSON.parse((await cli('devnet', 'fund', 'own', '--json')).stdout)
  expect(funded.balance).toBe(`1000${'0'.repeat(18)}`)
  const more = JSON.parse((await cli('devnet', 'fund', funded.address, '0.5', '--json')).stdout)
  expect(more.balance).toBe(`10005${'0'.repeat(17)}`)
  const shown = JSON.parse((await cli('wallet', 'show', '--wallet', 'own', '--json')).stdout)
  expect(shown).toMatchObject({ address: funded.address, balance: more.balance })

  expect(JSON.parse((await cli('devnet', 'fund', 'nobody', '--json')).stdout).code).toBe('wallet_unknown')
  const elsewhere = await runCli(['wallet', 'use', 'own'], { ...env, ZG_NETWORK: 'testnet' })
  expect(elsewhere.stderr).toBe('')
})

it('money is made on a devnet alone', async () => {
  const { code, stdout } = await runCli(
    ['devnet', 'fund', `0x${'11'.repeat(20)}`, '--network', 'mainnet', '--json'],
    { ZG_HOME: world.dir, ZG_DEVNET_DIR: `${world.dir}/none` },
  )
  expect([code, JSON.parse(stdout).code]).toEqual([1, 'devnet_down'])
})
