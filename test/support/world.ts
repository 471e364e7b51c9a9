import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contract, getBytes, type HDNodeWallet } from 'ethers'
import type { Address, Hex } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { ONE_0G } from '../../src/base/units.ts'
import { deployNetwork } from '../../src/chain/deploy.ts'
import { findAccount, inferenceContract } from '../../src/chain/inference.ts'
import { INFERENCE_SERVICE, ledgerContract } from '../../src/chain/ledger.ts'
import type { NetworkProfile } from '../../src/chain/networks.ts'
import { createToken, type SessionClaims } from '../../src/protocol/sessionToken.ts'
import { type Broker, type BrokerOptions, startBroker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { openSimulatedTee } from '../../src/provider/tee/simulated.ts'
import type { Tee } from '../../src/provider/tee/tee.ts'
import { type Anvil, type AnvilOptions, startAnvil } from './anvil.ts'
import { acknowledgeByOwner, deployTheirs } from './deployed.ts'

/** Whose contracts: this project's, or the deployed bytecode of the live network. */
export type Contracts = 'ours' | 'theirs'

/** A chain with contracts, a provider and a user: everything of the network on one machine. */
export interface World {
  readonly contracts: Contracts
  readonly anvil: Anvil
  readonly network: NetworkProfile
  readonly inference: Contract
  readonly ledger: Contract
  readonly tee: Tee
  readonly dir: string
  readonly user: HDNodeWallet
  readonly provider: HDNodeWallet
  startBroker(engine: Engine, options?: Partial<BrokerOptions>): Promise<Broker>
  /** The contract's owner acknowledges a provider's signer, where there is an owner. @param of default: the world's own */
  acknowledge(of?: Address): Promise<void>
  /** Gives a user a funded sub-account that acknowledges the provider. Needs the service on chain. */
  fund(user: HDNodeWallet, amount?: bigint): Promise<void>
  stop(): Promise<void>
}

export const PRICES = { input: 10n ** 9n, output: 4n * 10n ** 9n }

const PARAMETERS = {
  lockTimeSeconds: 5,
  minLockTimeSeconds: 5,
  minProviderStake: ONE_0G,
  penaltyPercentage: 30,
}

/** The one switch for tests that do not choose: `CONTRACTS=theirs` runs them on the live network's bytecode. */
const CONTRACTS: Contracts = process.env.CONTRACTS === 'theirs' ? 'theirs' : 'ours'

/** @param deploy puts this project's contracts on the chain */
export async function startWorld(
  contracts = CONTRACTS,
  deploy = deployNetworkOf,
  chain: AnvilOptions = {},
): Promise<World> {
  const anvil = await startAnvil(chain)
  const [deployer, provider, user] = anvil.wallets as [HDNodeWallet, HDNodeWallet, HDNodeWallet]
  const theirs = contracts === 'theirs' ? await deployTheirs(anvil) : null
  const deployed = theirs?.network ?? anvil.network(await deploy(anvil, deployer))
  const inference = inferenceContract(deployed.inference, anvil.rpc)
  const ledger = ledgerContract(deployed.ledger, anvil.rpc)
  const dir = mkdtempSync(join(tmpdir(), 'zg-world-'))
  const tee = openSimulatedTee({ dir, network: deployed })
  const network: NetworkProfile = { ...deployed, simulatedTee: tee.trust }
  const brokers: Broker[] = []
  const acknowledge = async (of = provider.address as Address) => {
    if (theirs) await acknowledgeByOwner(theirs, of)
  }
  return {
    contracts,
    anvil,
    network,
    inference,
    ledger,
    tee,
    dir,
    user,
    provider,
    async startBroker(engine, options = {}) {
      const broker = await startBroker({
        network,
        rpc: anvil.rpc,
        operator: provider,
        engine,
        tee,
        listen: { host: '127.0.0.1', port: 0 },
        dataDir: join(dir, 'broker'),
        prices: PRICES,
        settlement: { intervalMs: 3_600_000, minimumFee: 0n },
        log: silentLogger,
        ...options,
      })
      brokers.push(broker)
      await acknowledge(broker.provider)
      return broker
    },
    acknowledge,
    async fund(wallet, amount = 5n * ONE_0G) {
      const own = ledger.connect(wallet) as Contract
      await (await own.getFunction('depositFund')({ value: amount })).wait()
      await (await own.getFunction('transferFund')(provider.address, INFERENCE_SERVICE, amount)).wait()
      const account = await findAccount(inference, wallet.address as Address, provider.address as Address)
      if (account?.acknowledged) return
      const serving = inference.connect(wallet) as Contract
      await (await serving.getFunction('acknowledgeTEESigner')(provider.address, true)).wait()
    },
    async stop() {
      for (const broker of brokers) await broker.stop({ graceMs: 0 }).catch(() => {})
      await anvil.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** An API key of the deployed format. */
export async function tokenOf(
  wallet: HDNodeWallet,
  provider: string,
  change: Partial<SessionClaims> = {},
): Promise<string> {
  const claims: SessionClaims = {
    address: wallet.address as Address,
    provider: provider as Address,
    timestamp: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    nonce: '0'.repeat(32),
    generation: 0,
    tokenId: 255,
    ...change,
  }
  return createToken(claims, async (hash) => (await wallet.signMessage(getBytes(hash))) as Hex)
}

async function deployNetworkOf(
  _anvil: Anvil,
  deployer: HDNodeWallet,
): Promise<Parameters<Anvil['network']>[0]> {
  const { ledger, inference, fineTuning } = await deployNetwork(deployer, PARAMETERS)
  return { ledger, inference, fineTuning }
}
