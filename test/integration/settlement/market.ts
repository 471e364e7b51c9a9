import { rmSync } from 'node:fs'
import { type Address, sameAddress } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { type Account, findAccount, inferenceContract } from '../../../src/chain/inference.ts'
import { listPayments } from '../../../src/chain/payments.ts'
import { RpcProvider } from '../../../src/chain/rpc.ts'
import type { SqliteLedger } from '../../../src/provider/ledger/sqlite/sqliteLedger.ts'
import { chatService, registerService } from '../../../src/provider/registration.ts'
import type { SettlerOptions } from '../../../src/provider/settlement/options.ts'
import { Settler } from '../../../src/provider/settlement/settler.ts'
import { type Anvil, startAnvil, type TestWallet } from '../../support/anvil.ts'
import {
  acknowledgeByOwner,
  type DeployedWorld,
  deployOurs,
  deployTheirs,
  fundUser,
} from '../../support/deployed.ts'
import {
  deliveredOf,
  exchangeOf,
  freshFolder,
  openLedger,
  TEST_KEY,
  TEST_SIGNER,
} from '../../support/ledger.ts'

/** A chain with a registered, acknowledged provider, and the provider's ledger. */
export interface Market {
  readonly anvil: Anvil
  readonly world: DeployedWorld
  readonly operator: TestWallet
  readonly provider: Address
  /** Of the ledger. */
  readonly folder: string
  ledger: SqliteLedger
  /** Opens the ledger again, as a broker that starts does. */
  restart(): Promise<void>
  settler(options?: Partial<SettlerOptions> & { readonly rpcUrl?: string }): Settler
  /** Charges the user this many neuron. */
  charge(user: TestWallet, neuron: bigint): Promise<void>
  account(user: TestWallet): Promise<Account | null>
  stop(): Promise<void>
}

/** Whose contracts: those of the live network, byte for byte, or this project's. */
export type Contracts = 'theirs' | 'ours'

export async function openMarket(contracts: Contracts): Promise<Market> {
  const anvil = await startAnvil()
  const world = contracts === 'theirs' ? await deployTheirs(anvil) : await deployOurs(anvil)
  const operator = anvil.wallets[0]!
  const provider = operator.address as Address
  await registerService({
    contract: world.inference,
    operator,
    log: silentLogger,
    params: chatService({
      url: 'http://127.0.0.1:1',
      model: 'demo',
      prices: { input: 1n, output: 1n },
      signer: TEST_SIGNER,
    }),
  })
  await acknowledgeByOwner(world, provider)
  const folder = freshFolder()
  const owner = { chainId: 31337, contract: world.network.inference, provider }
  const connections: RpcProvider[] = []
  const market: Market = {
    anvil,
    world,
    operator,
    provider,
    folder,
    ledger: await openLedger(folder, owner),
    async restart() {
      await market.ledger.close()
      market.ledger = await openLedger(folder, owner)
    },
    settler({ rpcUrl, ...options } = {}) {
      const network = { ...world.network, rpcUrls: [rpcUrl ?? anvil.url] }
      const rpc = new RpcProvider(network, { pollingMs: 50, timeoutMs: 10_000 })
      connections.push(rpc)
      return new Settler({
        ledger: market.ledger,
        tee: { signerKey: TEST_KEY, signer: TEST_SIGNER },
        operator: operator.connect(rpc),
        contract: inferenceContract(network.inference, rpc),
        chainId: 31337,
        confirmations: 1,
        log: silentLogger,
        minimumFee: 1n,
        pollMs: 20,
        receiptTimeoutMs: 3000,
        ...options,
      })
    },
    async charge(user, neuron) {
      const exchange = exchangeOf(user.address as Address, { prices: { input: neuron } })
      await market.ledger.charge(exchange, deliveredOf(0, 1), 'complete')
    },
    account: (user) => findAccount(world.inference, user.address as Address, provider),
    async stop() {
      for (const rpc of connections) rpc.destroy()
      await market.ledger.close()
      rmSync(folder, { recursive: true })
      await anvil.stop()
    },
  }
  return market
}

/** A wallet of its own with a funded sub-account, 0G. */
export async function newUser(market: Market, index: number, locked = '1'): Promise<TestWallet> {
  const user = market.anvil.wallets[index]!
  await fundUser(market.world, user, market.provider, { deposit: '10', locked })
  return user
}

/** Everything that the chain's logs say was paid by a user to the provider, neuron. */
export async function paidOnChain({ world, anvil, provider }: Market, user: TestWallet): Promise<bigint> {
  const { ledger, inference } = world
  const payments = await listPayments({ ledger, inference, user: user.address as Address }, anvil.rpc)
  const own = payments.filter((payment) => sameAddress(payment.provider, provider))
  return own.reduce((sum, { amount }) => sum + amount, 0n)
}
