import { keccak256, ZeroHash } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { RpcProvider } from '../../../src/chain/rpc.ts'
import { send } from '../../../src/chain/transaction.ts'
import { Deadline } from '../../../src/provider/settlement/deadline.ts'
import { sendAndMine } from '../../../src/provider/settlement/getMined.ts'
import { type Anvil, startAnvil, type TestWallet } from '../../support/anvil.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'

let anvil: Anvil
let faulty: FaultyRpc
let rpc: RpcProvider
let signer: TestWallet
let nonce: number

beforeAll(async () => {
  anvil = await startAnvil()
  faulty = await startFaultyRpc(anvil.url)
  const contracts = { ledger: anvil.wallets[0]!.address, inference: anvil.wallets[0]!.address } as never
  rpc = new RpcProvider({ ...anvil.network(contracts), rpcUrls: [faulty.url] }, { pollingMs: 50 })
  signer = anvil.wallets[1]!.connect(rpc)
})

beforeEach(async () => {
  nonce = await anvil.rpc.getTransactionCount(signer.address)
})

afterEach(() => {
  faulty.decide = () => 'none'
  faulty.rewrite = (call) => call
})

afterAll(async () => {
  rpc?.destroy()
  await faulty?.stop()
  await anvil?.stop()
})

const pay = () =>
  send(signer, {
    title: 'pay one neuron',
    request: { to: anvil.wallets[2]!.address, value: 1n },
    value: 1n,
    gasLimit: 21_000n,
    maxGasCost: 0n,
  })

const automine = (isOn: boolean) => anvil.rpc.send('evm_setAutomine', [isOn])

async function expectOneMined(): Promise<void> {
  expect(await anvil.rpc.getTransactionCount(signer.address)).toBe(nonce + 1)
}

it('waits for a transaction through calls that fail, and nothing is left unhandled', async () => {
  await automine(false)
  let looks = 0
  faulty.decide = (method) =>
    method === 'eth_getTransactionReceipt' && ++looks % 2 === 0 ? 'drop-call' : 'none'
  const paid = pay()
  await expect.poll(() => looks).toBeGreaterThan(3)
  await automine(true)
  await anvil.rpc.send('evm_mine', [])
  expect((await paid).status).toBe(1)
  await expectOneMined()
})

it.each(['drop-answer', 'drop-call'] as const)(
  'sends once, and says so, where sending ends in %s',
  async (fault) => {
    let sent = 0
    faulty.decide = (method) => (method === 'eth_sendRawTransaction' && ++sent === 1 ? fault : 'none')
    expect((await pay()).status).toBe(1)
    await expectOneMined()
  },
)

it('sends again what a node has dropped', async () => {
  await automine(false)
  const [before, paid] = [faulty.sent.length, pay()]
  await expect.poll(() => faulty.sent.length).toBeGreaterThan(before)
  const hash = keccak256(faulty.sent.at(-1)!)
  await expect.poll(() => anvil.rpc.send('anvil_dropTransaction', [hash])).toBe(hash)
  await automine(true)
  expect((await paid).hash).toBe(hash)
  await expectOneMined()
})

it('waits until a settlement is deep enough that was mined between a look and sending it again', async () => {
  let looks = 0
  faulty.rewrite = (call) => {
    const isFirst = call.method === 'eth_getTransactionReceipt' && ++looks === 1
    return isFirst ? { ...call, params: [ZeroHash] } : call
  }
  const request = await signer.populateTransaction({ to: signer.address, gasLimit: 21_000n })
  const [before, deadline] = [faulty.sent.length, new Deadline(Date.now() + 20_000)]
  const waiting = { operator: signer, deadline, pollMs: 20, bumpAfterMs: 20_000 }
  const mined = sendAndMine(request, { ...waiting, confirmations: 2, beforeSend: async () => {} })
  await expect.poll(() => looks).toBeGreaterThan(2)
  expect(faulty.sent.length).toBe(before + 2)
  await anvil.rpc.send('evm_mine', [])
  expect((await mined).receipt?.status).toBe(1)
})
