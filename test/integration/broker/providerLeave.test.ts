import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { deployNetwork } from '../../../src/chain/deploy.ts'
import { findService } from '../../../src/chain/inference.ts'
import { chatService, registerService } from '../../../src/provider/registration.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { startWorld, type World } from '../../support/world.ts'

/** Longer than a test takes. */
const LOCK_SECONDS = 3600

const deploy: Parameters<typeof startWorld>[1] = async (_anvil, deployer) => {
  const parameters = { lockTimeSeconds: LOCK_SECONDS, minProviderStake: ONE_0G }
  const { ledger, inference, fineTuning } = await deployNetwork(deployer, parameters)
  return { ledger, inference, fineTuning }
}

/** What it refuses is in `newcomer.test.ts`. */
describe.each([
  ['ours', ONE_0G],
  ['theirs', 100n * ONE_0G],
] as const)('provider leave on %s contracts', (contracts, stake) => {
  let world: World

  beforeAll(async () => {
    world = await startWorld(contracts, deploy)
    const prices = { input: 1n, output: 1n }
    const params = chatService({ url: 'http://127.0.0.1:1', model: 'm', prices, signer: world.tee.signer })
    await registerService({
      contract: world.inference,
      operator: world.provider,
      params,
      log: silentLogger,
    })
  })

  afterAll(() => world?.stop())

  const leave = async (...words: string[]) => {
    const args = ['provider', 'leave', '--json', '--data-dir', join(world.dir, 'nowhere'), ...words]
    const { code, stdout } = await runCli(args, devnetHome(world))
    return { code, value: JSON.parse(stdout) }
  }
  const service = () => findService(world.inference, world.provider.address as Address)
  const balance = () => world.anvil.rpc.getBalance(world.provider.address)

  it('removes the service, and brings the stake back as soon as the contract gives it', async () => {
    expect((await leave()).value).toMatchObject({
      code: 'ledger_missing',
      hint: expect.stringMatching(/--force/),
    })
    expect(await service()).not.toBeNull()
    const before = await balance()
    const first = await leave('--force')
    expect(await service()).toBeNull()
    if (contracts === 'ours') {
      const waiting = { service: 'inference', state: 'leaving', stake: `${stake}`, returned: '0' }
      expect(first).toMatchObject({ code: 11, value: { services: [waiting] } })
      expect((await leave()).code).toBe(11)
      await world.anvil.rpc.send('evm_increaseTime', [LOCK_SECONDS + 1])
      await world.anvil.rpc.send('evm_mine', [])
    }
    const last = contracts === 'ours' ? await leave('--wait') : first
    const left = { service: 'inference', state: 'left', returned: `${stake}` }
    expect(last).toMatchObject({ code: 0, value: { services: [left] } })
    expect((await balance()) - before).toBeGreaterThan(stake - ONE_0G / 100n)
    expect(await leave()).toMatchObject({ code: 2, value: { code: 'nothing_to_leave' } })
  })
})
