import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'

export type NetworkKind = 'mainnet' | 'testnet' | 'devnet' | 'custom'

/** Where a network is and how to deal with its chain. */
export interface NetworkProfile {
  readonly name: string
  readonly kind: NetworkKind
  readonly chainId: number
  /** Tried in order; the next one when a call does not get through. */
  readonly rpcUrls: readonly string[]
  readonly ledger: Address
  readonly inference: Address
  readonly fineTuning: Address
  /** Blocks after which a transaction counts as final here. */
  readonly confirmations: number
  /** The network's own monitoring of its providers. */
  readonly statusUrl?: string
  /** Block of the first contract: there are no events before it. Unknown where the profile does not say. */
  readonly deployedAt?: number
  /** What this devnet's own simulated TEE is; counts only where `allowsSimulatedTee`. Never from a provider. */
  readonly simulatedTee?: SimulatedTeeTrust
}

/** Root and measurements of a devnet's simulated machine: the DER of the root as base64, hashes as hex digits. */
export interface SimulatedTeeTrust {
  readonly root: string
  readonly mrtd: string
  readonly rtmr0: string
  readonly rtmr1: string
  readonly rtmr2: string
  readonly osImageHash: string
  readonly composeHash: string
}

/** Chain id of every devnet; simulated evidence counts only with this id and on loopback. */
export const DEVNET_CHAIN_ID = 31337

/** The networks that exist. Addresses: contracts.md section 4. */
export const BUILT_IN_NETWORKS: readonly NetworkProfile[] = [
  {
    name: 'mainnet',
    kind: 'mainnet',
    chainId: 16661,
    // The network's own first; the public ones are asked only while it does not answer.
    rpcUrls: ['https://evmrpc.0g.ai', 'https://0g-rpc.publicnode.com', 'https://0g.drpc.org'],
    ledger: '0x2dE54c845Cd948B72D2e32e39586fe89607074E3',
    inference: '0x47340d900bdFec2BD393c626E12ea0656F938d84',
    fineTuning: '0x4e3474095518883744ddf135b7E0A23301c7F9c0',
    statusUrl: 'https://compute-status.0g.ai',
    confirmations: 3,
  },
  {
    name: 'testnet',
    kind: 'testnet',
    chainId: 16602,
    rpcUrls: ['https://evmrpc-testnet.0g.ai', 'https://0g-galileo-testnet.drpc.org'],
    ledger: '0xE70830508dAc0A97e6c087c75f402f9Be669E406',
    inference: '0xa79F4c8311FF93C06b8CfB403690cc987c93F91E',
    fineTuning: '0xC6C075D8039763C8f1EbE580be5ADdf2fd6941bA',
    statusUrl: 'https://compute-status-testnet.0g.ai',
    confirmations: 3,
  },
]

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]', '::1'])

/** Whether a URL points at this very machine. */
export function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.has(new URL(url).hostname)
}

/**
 * Whether simulated evidence may count: a devnet profile with chain id 31337 whose RPC and provider are on
 * loopback. No flag widens this.
 */
export function allowsSimulatedTee(network: NetworkProfile, ...urls: readonly string[]): boolean {
  return (
    network.kind === 'devnet' &&
    network.chainId === DEVNET_CHAIN_ID &&
    [...network.rpcUrls, ...urls].every(isLoopbackUrl)
  )
}

/** @throws AppError `network_unknown` */
export function builtInNetwork(name: string): NetworkProfile {
  const network = BUILT_IN_NETWORKS.find((candidate) => candidate.name === name)
  if (network) return network
  throw new AppError({
    code: 'network_unknown',
    message: `There is no network "${name}"`,
    hint: `Known: ${BUILT_IN_NETWORKS.map((n) => n.name).join(', ')}, and devnet while one is up`,
    next: '0g-compute network list',
    exitCode: EXIT.usage,
  })
}
