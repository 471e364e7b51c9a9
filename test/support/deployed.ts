import { createRequire } from 'node:module'
import {
  Contract,
  ContractFactory,
  type InterfaceAbi,
  NonceManager,
  parseEther,
  type TransactionResponse,
} from 'ethers'
import type { Address } from '../../src/base/hex.ts'
import { deployNetwork } from '../../src/chain/deploy.ts'
import { inferenceContract } from '../../src/chain/inference.ts'
import { ledgerContract } from '../../src/chain/ledger.ts'
import type { NetworkProfile } from '../../src/chain/networks.ts'
import type { Anvil, TestWallet } from './anvil.ts'

/** The network's contracts on a chain of our own. */
export interface DeployedWorld {
  readonly network: NetworkProfile
  readonly owner: TestWallet
  /** Our bindings, on the chain's own connection. */
  readonly ledger: Contract
  readonly inference: Contract
}

interface Factory {
  readonly abi: InterfaceAbi
  readonly bytecode: string
}

const require = createRequire(import.meta.url)
const LOCK_TIME_SECONDS = 3600
const PENALTY_PERCENT = 30

/**
 * Deploys the bytecode that ships in `@0gfoundation/0g-compute-ts-sdk`, each behind an ERC1967Proxy, and
 * registers both services under the ledger. The owner is the last of the chain's wallets.
 */
export async function deployTheirs(anvil: Anvil): Promise<DeployedWorld> {
  const owner = anvil.wallets.at(-1)!
  const signer = new NonceManager(owner)
  const owned = owner.address
  const ledger = await deployBehindProxy(signer, theirs('ledger', 'LedgerManager'), [owned])
  const inference = await deployBehindProxy(signer, theirs('inference', 'InferenceServing'), [
    LOCK_TIME_SECONDS,
    ledger.target,
    owned,
  ])
  const fineTuning = await deployBehindProxy(signer, theirs('fine-tuning', 'FineTuningServing'), [
    LOCK_TIME_SECONDS,
    ledger.target,
    owned,
    PENALTY_PERCENT,
  ])
  await mined(call(ledger, 'registerService', 'inference', 'v1.0', inference.target, 'inference'))
  await mined(call(ledger, 'registerService', 'fine-tuning', 'v1.0', fineTuning.target, 'fine-tuning'))
  const network = anvil.network({
    ledger: ledger.target as Address,
    inference: inference.target as Address,
    fineTuning: fineTuning.target as Address,
  })
  return {
    network,
    owner,
    ledger: ledgerContract(network.ledger, anvil.rpc),
    inference: inferenceContract(network.inference, anvil.rpc),
  }
}

/** Deploys this project's contracts. The owner is the last of the chain's wallets. */
export async function deployOurs(anvil: Anvil): Promise<DeployedWorld> {
  const owner = anvil.wallets.at(-1)!
  const network = anvil.network(await deployNetwork(owner, { owner: owner.address as Address }))
  return {
    network,
    owner,
    ledger: ledgerContract(network.ledger, anvil.rpc),
    inference: inferenceContract(network.inference, anvil.rpc),
  }
}

/** A user with a ledger of `deposit` 0G and `locked` 0G at the provider. */
export async function fundUser(
  world: DeployedWorld,
  user: TestWallet,
  provider: string,
  amounts: { readonly deposit: string; readonly locked: string },
): Promise<void> {
  const ledger = world.ledger.connect(user) as Contract
  await mined(call(ledger, 'addLedger', '', { value: parseEther(amounts.deposit) }))
  await mined(call(ledger, 'transferFund', provider, 'inference-v1.0', parseEther(amounts.locked)))
}

/** Adds to a sub-account that exists, 0G. */
export async function topUp(
  world: DeployedWorld,
  user: TestWallet,
  provider: string,
  amount: string,
): Promise<void> {
  const ledger = world.ledger.connect(user) as Contract
  await mined(call(ledger, 'transferFund', provider, 'inference-v1.0', parseEther(amount)))
}

/** The owner acknowledges the provider's signer. */
export const acknowledgeByOwner = (world: DeployedWorld, provider: string): Promise<void> =>
  mined(call(world.inference.connect(world.owner) as Contract, 'acknowledgeTEESignerByOwner', provider))

/** The owner takes the acknowledgement of the provider's signer back. */
export const revokeByOwner = (world: DeployedWorld, provider: string): Promise<void> =>
  mined(call(world.inference.connect(world.owner) as Contract, 'revokeTEESignerAcknowledgement', provider))

/** Sends one call and waits until it is mined. */
export async function mined(response: Promise<TransactionResponse>): Promise<void> {
  await (await response).wait()
}

/** Sends one call of a contract. */
export const call = (contract: Contract, method: string, ...args: unknown[]): Promise<TransactionResponse> =>
  contract.getFunction(method).send(...args)

function theirs(folder: string, name: string): Factory {
  const path = `@0gfoundation/0g-compute-ts-sdk/lib.commonjs/${folder}/contract/typechain/factories/${name}__factory.js`
  return require(resolveInside(path))[`${name}__factory`] as Factory
}

/** The package exports its entry points only; the factories lie beside them. */
function resolveInside(path: string): string {
  const marker = '@0gfoundation/0g-compute-ts-sdk/'
  const entry = require.resolve('@0gfoundation/0g-compute-ts-sdk')
  return entry.slice(0, entry.indexOf(marker)) + path
}

/** OpenZeppelin's proxy insists on being initialised in its own deployment. */
async function deployBehindProxy(
  signer: NonceManager,
  { abi, bytecode }: Factory,
  initialize: readonly unknown[],
): Promise<Contract> {
  const proxy = require('@openzeppelin/contracts/build/contracts/ERC1967Proxy.json') as Factory
  const implementation = await new ContractFactory(abi, bytecode, signer).deploy()
  const front = await new ContractFactory(proxy.abi, proxy.bytecode, signer).deploy(
    await implementation.getAddress(),
    implementation.interface.encodeFunctionData('initialize', initialize),
  )
  await front.waitForDeployment()
  return new Contract(await front.getAddress(), abi, signer)
}
