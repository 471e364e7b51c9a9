import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Wallet } from 'ethers'
import { AppError } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { ONE_0G } from '../../base/units.ts'
import { anvilBinary } from '../../chain/anvil.ts'
import { deployNetwork } from '../../chain/deploy.ts'
import { DEVNET_CHAIN_ID, type NetworkProfile } from '../../chain/networks.ts'
import { RpcProvider } from '../../chain/rpc.ts'
import { simulatedTeeTrust } from '../../provider/tee/simulated.ts'
import type { DevnetAccount, DevnetFile } from '../framework/devnetFile.ts'
import { endProcess, startDetached } from './processes.ts'

/** Blocks come with each transaction, and at this pace without any: locks end, and heads are fresh. */
const BLOCK_SECONDS = 2
const START_MS = 15_000
/** A devnet's refunds are locked this long, so that a withdrawal can be watched. */
const LOCK_SECONDS = 5
const STAKE = ONE_0G
const ENDOWMENT = 1000n * ONE_0G
const PENALTY_PERCENT = 30

export type DevnetChain = Pick<DevnetFile, 'network' | 'accounts' | 'anvil'>

/** Starts Anvil, funds fresh accounts and deploys the contracts. */
export async function startChain(dir: string, port: number): Promise<DevnetChain> {
  const pid = await startAnvil(dir, port)
  try {
    const accounts = { user: newAccount(), provider: newAccount(), deployer: newAccount() }
    return { network: await deploy(dir, port, accounts), accounts, anvil: { pid, port } }
  } catch (error) {
    await endProcess(pid, 2000)
    throw error
  }
}

/**
 * Whether the chain of a devnet answers as its own. A process id alone says little: after a restart of the machine it
 * may be a stranger's, which must not be ended.
 */
export async function isChainUp({ network }: Pick<DevnetFile, 'network'>): Promise<boolean> {
  const rpc = new RpcProvider(network, { timeoutMs: 2000 })
  try {
    return (await rpc.getCode(network.ledger)) !== '0x'
  } catch {
    return false
  } finally {
    rpc.destroy()
  }
}

async function startAnvil(dir: string, port: number): Promise<number> {
  const args = ['--port', String(port), '--chain-id', String(DEVNET_CHAIN_ID), '--accounts', '1', '--quiet']
  const mining = ['--mixed-mining', '--block-time', String(BLOCK_SECONDS)]
  const child = startDetached(anvilBinary(), [...args, ...mining], join(dir, 'anvil.log'))
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(chainFailed(`Anvil ended with ${code}`)))
  })
  await Promise.race([answers(urlOf(port)), failed])
  child.removeAllListeners('exit').unref()
  return child.pid!
}

async function answers(url: string): Promise<void> {
  const until = Date.now() + START_MS
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  while (Date.now() < until) {
    const response = await fetch(url, request).catch(() => null)
    if (response?.ok) return
    await sleep(25)
  }
  throw chainFailed('Anvil does not answer')
}

async function deploy(dir: string, port: number, accounts: DevnetFile['accounts']): Promise<NetworkProfile> {
  const profile = {
    name: 'devnet',
    kind: 'devnet',
    chainId: DEVNET_CHAIN_ID,
    rpcUrls: [urlOf(port)],
    confirmations: 1,
  } as const
  const nowhere = `0x${'0'.repeat(40)}` as Address
  const rpc = new RpcProvider({ ...profile, ledger: nowhere, inference: nowhere, fineTuning: nowhere })
  try {
    const endowment = `0x${ENDOWMENT.toString(16)}`
    for (const { address } of Object.values(accounts))
      await rpc.send('anvil_setBalance', [address, endowment])
    const contracts = await deployNetwork(new Wallet(accounts.deployer.privateKey, rpc), {
      lockTimeSeconds: LOCK_SECONDS,
      minLockTimeSeconds: LOCK_SECONDS,
      minProviderStake: STAKE,
      penaltyPercentage: PENALTY_PERCENT,
    })
    const { ledger, inference, fineTuning, block: deployedAt } = contracts
    return { ...profile, ledger, inference, fineTuning, deployedAt, simulatedTee: simulatedTeeTrust(dir) }
  } finally {
    rpc.destroy()
  }
}

function newAccount(): DevnetAccount {
  const { address, privateKey } = Wallet.createRandom()
  return { address: address as Address, privateKey: privateKey as Hex }
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`

const chainFailed = (message: string): AppError =>
  new AppError({
    code: 'devnet_chain_failed',
    message: `The devnet's chain did not start: ${message}`,
    hint: 'Its log is anvil.log in the folder of the devnet',
    next: '0g-compute devnet status',
  })
