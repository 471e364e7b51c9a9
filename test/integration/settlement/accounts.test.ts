import { setTimeout as sleep } from 'node:timers/promises'
import { type Contract, parseEther } from 'ethers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { isTokenRevoked } from '../../../src/chain/inference.ts'
import { RpcProvider } from '../../../src/chain/rpc.ts'
import { AccountBook } from '../../../src/provider/accounts.ts'
import { type Anvil, startAnvil, type TestWallet } from '../../support/anvil.ts'
import { call, type DeployedWorld, deployTheirs, fundUser, mined, topUp } from '../../support/deployed.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'

describe('the account book', () => {
  let anvil: Anvil
  let world: DeployedWorld
  let faulty: FaultyRpc
  let rpc: RpcProvider
  let book: AccountBook
  let alice: TestWallet
  let calls: string[]
  const provider = () => anvil.wallets[0]!.address as Address
  const user = () => alice.address as Address

  beforeEach(async () => {
    anvil = await startAnvil()
    world = await deployTheirs(anvil)
    alice = anvil.wallets[1]!
    await fundUser(world, alice, provider(), { deposit: '10', locked: '1' })
    faulty = await startFaultyRpc(anvil.url)
    calls = []
    faulty.decide = (method) => {
      calls.push(method)
      return 'none'
    }
    rpc = new RpcProvider({ ...world.network, rpcUrls: [faulty.url] })
    book = new AccountBook({
      rpc,
      contract: world.inference.connect(rpc) as Contract,
      provider: provider(),
      log: silentLogger,
      pollMs: 30,
      blocksOnDemand: true,
    })
    await book.start()
  })

  afterEach(async () => {
    await book.stop()
    rpc.destroy()
    await faulty.stop()
    await anvil.stop()
  })

  const accountReads = () => calls.filter((method) => method === 'eth_call').length

  /** Until the book has looked at the logs of a new block, and read what it had to. */
  async function seeNewHead(): Promise<void> {
    const looked = () => calls.filter((method) => method === 'eth_getLogs').length
    const before = looked()
    await anvil.rpc.send('anvil_mine', ['0x1'])
    await expect.poll(looked).toBeGreaterThan(before)
    await sleep(200)
  }

  it('reads an account once for many who ask', async () => {
    const before = accountReads()
    const accounts = await Promise.all(Array.from({ length: 20 }, () => book.get(user())))
    await book.get(user())
    expect(new Set(accounts.map((account) => account!.balance))).toEqual(new Set([parseEther('1')]))
    expect(accountReads() - before).toBe(1)
    expect(await book.get(anvil.wallets[4]!.address as Address)).toBeNull()
  })

  it('knows a revocation and a top-up within a block', async () => {
    const inference = world.inference.connect(alice) as Contract
    await book.get(user())
    await mined(call(inference, 'revokeToken', provider(), 3))
    await expect.poll(async () => isTokenRevoked((await book.get(user()))!, 3)).toBe(true)
    await mined(call(inference, 'revokeAllTokens', provider()))
    await expect.poll(async () => (await book.get(user()))!.generation).toBe(1)
    await topUp(world, alice, provider(), '2')
    await expect.poll(async () => (await book.get(user()))!.balance).toBe(parseEther('3'))
  })

  it('reads nothing again for blocks that do not touch its users', async () => {
    await book.get(user())
    await seeNewHead()
    const reads = accountReads()
    await fundUser(world, anvil.wallets[2]!, provider(), { deposit: '10', locked: '1' })
    await fundUser(world, anvil.wallets[3]!, anvil.wallets[4]!.address, { deposit: '10', locked: '1' })
    await seeNewHead()
    expect(await book.get(user())).toMatchObject({ balance: parseEther('1') })
    expect(accountReads()).toBe(reads)
  })

  it('forgets what a reorganisation took back', async () => {
    const snapshot = await anvil.rpc.send('evm_snapshot', [])
    await topUp(world, alice, provider(), '2')
    await expect.poll(async () => (await book.get(user()))!.balance).toBe(parseEther('3'))
    await anvil.rpc.send('evm_revert', [snapshot])
    await anvil.rpc.send('anvil_mine', ['0x3', '0x7'])
    await expect.poll(async () => (await book.get(user()))!.balance).toBe(parseEther('1'))
  })

  it('tells how old it is, serves what it knows, and asks the chain when told to', async () => {
    await book.get(user())
    let dropped = 0
    faulty.decide = () => {
      dropped++
      return 'drop-call'
    }
    // What was on its way has arrived.
    await expect.poll(() => dropped).toBeGreaterThan(2)
    const seen = book.headSeenAt
    await sleep(200)
    expect(book.headSeenAt).toBe(seen)
    expect((await book.get(user()))!.balance).toBe(parseEther('1'))
    await expect(book.refresh(user())).rejects.toMatchObject({ code: 'rpc_unreachable' })
    faulty.decide = () => 'none'
    await expect.poll(() => book.headSeenAt).toBeGreaterThan(seen)
    expect((await book.refresh(user()))!.balance).toBe(parseEther('1'))
  })
})
