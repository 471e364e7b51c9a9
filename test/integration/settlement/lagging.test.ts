import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { inferenceContract } from '../../../src/chain/inference.ts'
import { RpcProvider } from '../../../src/chain/rpc.ts'
import { chatService, registerService } from '../../../src/provider/registration.ts'
import type { TestWallet } from '../../support/anvil.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import { TEST_SIGNER } from '../../support/ledger.ts'
import { type Market, newUser, openMarket } from './market.ts'

let market: Market
let faulty: FaultyRpc
let rpc: RpcProvider

beforeAll(async () => {
  market = await openMarket('ours')
  faulty = await startFaultyRpc(market.anvil.url)
  rpc = new RpcProvider(
    { ...market.world.network, rpcUrls: [faulty.url] },
    { pollingMs: 50, timeoutMs: 10_000 },
  )
})

afterAll(async () => {
  rpc?.destroy()
  await faulty?.stop()
  await market?.stop()
})

const register = (operator: TestWallet, input: bigint) =>
  registerService({
    contract: inferenceContract(market.world.network.inference, rpc),
    operator: operator.connect(rpc),
    params: chatService({
      url: 'http://127.0.0.1:1',
      model: 'demo',
      prices: { input, output: 1n },
      signer: TEST_SIGNER,
    }),
    log: silentLogger,
  })

it('a transaction that was sent and not seen mined is unknown, with its hash; a second look finds it', async () => {
  faulty.decide = (method) => (method === 'eth_getTransactionReceipt' ? 'drop-call' : 'none')
  await expect(register(market.operator, 2n)).rejects.toMatchObject({
    code: 'transaction_unknown',
    retryable: true,
    details: { txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
  })
  faulty.decide = () => 'none'
  expect(await register(market.operator, 2n)).toMatchObject({ action: 'unchanged' })
})

it('a node that lags behind does not show the service that was just registered: said, and no second stake', async () => {
  const operator = market.anvil.wallets[5]!
  const before = `0x${(await market.anvil.rpc.getBlockNumber()).toString(16)}`
  faulty.rewrite = (call) =>
    call.method === 'eth_call' ? { ...call, params: [call.params[0], before] } : call
  await expect(register(operator, 1n)).rejects.toMatchObject({ code: 'service_missing', retryable: true })
  faulty.rewrite = (call) => call
  expect(await register(operator, 1n)).toMatchObject({ action: 'unchanged', txHash: null })
})

it('a broker that has to stop while the chain is silent says that its last settlement was cut', async () => {
  const alice = await newUser(market, 1)
  await market.charge(alice, 100n)
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const rpcUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const report = await market.settler({ rpcUrl }).stop(100)
  expect(report).toMatchObject({ payments: [], problem: { code: 'settlement_cut', retryable: true } })
  silent.closeAllConnections()
  silent.close()
  expect((await market.settler().settleNow()).paid).toBe(100n)
})
