import { type Contract, parseEther, toQuantity } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { ServiceParams } from '../../../src/chain/inference.ts'
import { chatService, registerService } from '../../../src/provider/registration.ts'
import { type Anvil, startAnvil } from '../../support/anvil.ts'
import { acknowledgeByOwner, type DeployedWorld, deployOurs, deployTheirs } from '../../support/deployed.ts'
import { TEST_SIGNER } from '../../support/ledger.ts'

const params = chatService({
  url: 'http://127.0.0.1:8080',
  model: 'demo',
  prices: { input: 5n, output: 7n },
  signer: TEST_SIGNER,
})

describe.each(['theirs', 'ours'] as const)('registration on %s contracts', (contracts) => {
  let anvil: Anvil
  let world: DeployedWorld

  beforeAll(async () => {
    anvil = await startAnvil()
    world = contracts === 'theirs' ? await deployTheirs(anvil) : await deployOurs(anvil)
  })

  afterAll(() => anvil.stop())

  const register = (changes: Partial<ServiceParams> = {}) =>
    registerService({
      contract: world.inference,
      operator: anvil.wallets[0]!,
      params: { ...params, ...changes },
      log: silentLogger,
    })

  it('stakes what the chain asks, once, and warns while the signer is not acknowledged', async () => {
    const [operator] = anvil.wallets
    const before = await anvil.rpc.getBalance(operator!.address)
    const first = await register()
    const staked = before - (await anvil.rpc.getBalance(operator!.address))
    expect(first).toMatchObject({
      action: 'registered',
      warning: { code: 'signer_not_acknowledged_by_owner' },
    })
    expect(staked >= parseEther('100') && staked < parseEther('100.1')).toBe(true)
    expect(first.service).toMatchObject({ model: 'demo', verifiability: 'TeeML', inputPrice: 5n })
    expect(JSON.parse(first.service.additionalInfo)).toEqual({
      ProviderType: 'decentralized',
      TEEVerifier: 'dstack',
      TargetSeparated: false,
    })
  })

  it('sends nothing when nothing differs, and keeps the acknowledgement when only a price does', async () => {
    await acknowledgeByOwner(world, anvil.wallets[0]!.address)
    const sent = await anvil.wallets[0]!.getNonce()
    expect(await register()).toMatchObject({ action: 'unchanged', txHash: null, warning: null })
    expect(await anvil.wallets[0]!.getNonce()).toBe(sent)
    expect(await register({ inputPrice: 6n })).toMatchObject({
      action: 'updated',
      service: { inputPrice: 6n },
      warning: null,
    })
  })

  it('stakes again after it left, unless the stake still waits there', async () => {
    const [operator] = anvil.wallets
    const serving = world.inference.connect(operator!) as Contract
    await (await serving.getFunction('removeService')()).wait()
    const before = await anvil.rpc.getBalance(operator!.address)
    expect(await register({ inputPrice: 6n })).toMatchObject({ action: 'registered' })
    const staked = before - (await anvil.rpc.getBalance(operator!.address))
    expect(staked >= parseEther('100')).toBe(contracts === 'theirs')
  })

  it('names the exact shortfall of the stake', async () => {
    const poor = anvil.wallets[5]!
    await anvil.rpc.send('anvil_setBalance', [poor.address, toQuantity(parseEther('99.5'))])
    const attempt = registerService({ contract: world.inference, operator: poor, params, log: silentLogger })
    await expect(attempt).rejects.toMatchObject({
      code: 'stake_insufficient',
      details: { shortfall: parseEther('0.5').toString() },
    })
  })
})
