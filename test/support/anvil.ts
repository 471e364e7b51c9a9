import { type ChildProcess, spawn } from 'node:child_process'
import { HDNodeWallet, type Wallet } from 'ethers'
import type { Address } from '../../src/base/hex.ts'
import { anvilBinary } from '../../src/chain/anvil.ts'
import type { NetworkProfile } from '../../src/chain/networks.ts'
import { RpcProvider } from '../../src/chain/rpc.ts'

/** A chain of its own for one test file. */
export interface Anvil {
  readonly url: string
  readonly chainId: 31337
  readonly rpc: RpcProvider
  /** Ten funded accounts (a million 0G each), connected to `rpc`. */
  readonly wallets: readonly (HDNodeWallet & { readonly privateKey: string })[]
  /** A devnet profile of this chain with these contracts. */
  network(contracts: {
    readonly ledger: Address
    readonly inference: Address
    readonly fineTuning?: Address
  }): NetworkProfile
  stop(): Promise<void>
}

export interface AnvilOptions {
  /** Seconds between blocks; default: one block per transaction. */
  readonly blockTimeSeconds?: number
  /** Rules of an older chain, as `paris`; default: the latest. */
  readonly hardfork?: string
  /** Keeps the states of the last blocks only, and a few hundred blocks: for a chain of very many transactions. */
  readonly isForgetful?: boolean
}

const PHRASE = 'test test test test test test test test test test test junk'
const START_MS = 120_000

/** Starts Anvil on a free port of the loopback interface. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const args = ['--port', '0', '--chain-id', '31337', '--balance', '1000000']
  if (options.blockTimeSeconds !== undefined) args.push('--block-time', String(options.blockTimeSeconds))
  if (options.hardfork !== undefined) args.push('--hardfork', options.hardfork)
  if (options.isForgetful) args.push('--prune-history', '8', '--transaction-block-keeper', '300')
  const child = spawn(anvilBinary(), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const killOnExit = () => child.kill('SIGKILL')
  process.once('exit', killOnExit)
  const url = `http://${await listening(child)}`
  const rpc = new RpcProvider(profileOf(url), { pollingMs: 50 })
  return {
    url,
    chainId: 31337,
    rpc,
    wallets: Array.from({ length: 10 }, (_, index) => wallet(index).connect(rpc)),
    network: (contracts) => ({ ...profileOf(url), fineTuning: contracts.ledger, ...contracts }),
    async stop() {
      rpc.destroy()
      process.off('exit', killOnExit)
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.kill('SIGKILL')) await gone
    },
  }
}

/** The well-known development account with this index, as a plain wallet. */
export const wallet = (index: number): HDNodeWallet =>
  HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`)

/** Any signer of these helpers. */
export type TestWallet = HDNodeWallet | Wallet

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`Anvil did not start: ${output}`)), START_MS)
    child.once('exit', (code) => reject(new Error(`Anvil ended with ${code}: ${output}`)))
    child.once('error', reject)
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.stdout?.on('data', (chunk) => {
      output += chunk
      const address = /Listening on (\S+)/.exec(output)?.[1]
      if (!address) return
      clearTimeout(timer)
      child.stdout?.removeAllListeners('data').resume()
      child.stderr?.removeAllListeners('data').resume()
      resolve(address)
    })
  })
}

const profileOf = (url: string): NetworkProfile => ({
  name: 'test',
  kind: 'devnet',
  chainId: 31337,
  rpcUrls: [url],
  ledger: '0x0000000000000000000000000000000000000000',
  inference: '0x0000000000000000000000000000000000000000',
  fineTuning: '0x0000000000000000000000000000000000000000',
  confirmations: 1,
})
