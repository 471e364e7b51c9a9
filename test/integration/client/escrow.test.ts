import type { Contract } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { chainTimeSeconds } from '../../../src/chain/clock.ts'
import { fineTuningContract } from '../../../src/chain/fineTuning.ts'
import { FINE_TUNING_SERVICE } from '../../../src/chain/ledger.ts'
import type { FundStatus } from '../../../src/client/funding/fundStatus.ts'
import { type TaskOrder, taskOrderDigest, taskOrderId } from '../../../src/protocol/finetune/order.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { startWorld, type World } from '../../support/world.ts'
import { openClients } from './clientOf.ts'

const DEPOSIT = ONE_0G
const MAX_FEE = ONE_0G / 20n
let world: World
const { clientOf } = openClients(() => world)

beforeAll(async () => {
  world = await startWorld('ours')
})

afterAll(() => world?.stop())

/** As a broker opens it, from a user that has signed it. */
async function openTask(): Promise<TaskOrder> {
  const { user, provider, ledger, anvil, network } = world
  const sent = async (call: Promise<{ wait(): Promise<unknown> }>) => (await call).wait()
  const contract = fineTuningContract(network.fineTuning, anvil.rpc)
  const desk = contract.connect(provider) as Contract
  const quota = [1n, 1n, 1n, 1n, 'none']
  const service = ['http://127.0.0.1:1', quota, 1n, false, [], provider.address]
  await sent(desk.getFunction('addOrUpdateService')(...service, { value: ONE_0G }))
  const own = ledger.connect(user) as Contract
  await sent(own.getFunction('depositFund')({ value: DEPOSIT }))
  await sent(own.getFunction('transferFund')(provider.address, FINE_TUNING_SERVICE, DEPOSIT))
  const order: TaskOrder = {
    provider: provider.address as Address,
    user: user.address as Address,
    signer: provider.address as Address,
    task: `0x${'7'.repeat(64)}`,
    maxFee: MAX_FEE,
    trainBy: (await chainTimeSeconds(anvil.rpc)) + 3600,
    ackWindow: 600,
    revealWindow: 600,
    nonce: 1n,
  }
  const digest = taskOrderDigest(network.chainId, network.fineTuning, order)
  await sent(desk.getFunction('openTask')(order, user.signingKey.sign(digest).serialized))
  return order
}

const everything = ({ wallet, deposited, inEscrow }: FundStatus) => wallet + deposited + inEscrow

it('a fee in escrow is shown with its deadline, also on another machine, and nothing is missing', async () => {
  const compute = await clientOf(world.user)
  const status = () => compute.fundStatus({ askProviders: false })
  const order = await openTask()
  const open = await status()
  expect(open.escrows).toEqual([
    {
      order: taskOrderId(order),
      task: null,
      provider: order.provider,
      state: 'Open',
      amount: MAX_FEE,
      deadline: order.trainBy,
      refundableFrom: order.trainBy + 1,
    },
  ])
  expect(open).toMatchObject({ inEscrow: MAX_FEE, deposited: DEPOSIT - MAX_FEE, elsewhere: 0n })

  const { stdout } = await runCli(['fund', 'status', '--no-ask'], devnetHome(world))
  expect(stdout).toMatch(
    /in escrow at 0x\w{40}\n +task +0x\w{8}\n +fee at most +0\.05 0G,\n +to be delivered by 20/,
  )

  const contract = fineTuningContract(
    world.network.fineTuning,
    world.anvil.wallets[4]!.connect(world.anvil.rpc),
  )
  await world.anvil.rpc.send('evm_increaseTime', [3700])
  await (await contract.getFunction('refundTask')(taskOrderId(order))).wait()
  const after = await status()
  expect(after).toMatchObject({ escrows: [], inEscrow: 0n })
  expect(everything(after)).toBe(everything(open))
})
