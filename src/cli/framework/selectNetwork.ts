import { AppError, EXIT } from '../../base/errors.ts'
import { isAddress } from '../../base/hex.ts'
import { BUILT_IN_NETWORKS, builtInNetwork, type NetworkProfile } from '../../chain/networks.ts'
import type { DevnetFile } from './devnetFile.ts'
import { nearest } from './route.ts'
import { asRpcUrl } from './rpcUrl.ts'
import type { Settings } from './settings.ts'

export interface SelectedNetwork {
  readonly network: NetworkProfile
  /** Nobody asked for this network: it is what there is. */
  readonly byDefault: boolean
}

const DEFAULT_NETWORK = 'mainnet'

/** The network of this call: the one set, else a devnet that is up, else mainnet. */
export function selectNetwork(settings: Settings, devnet: DevnetFile | null): SelectedNetwork {
  const name = settings.get('network')
  const rpc = settings.find('rpc')
  const network = findNetwork(name ?? devnet?.network.name ?? DEFAULT_NETWORK, settings, devnet)
  return {
    network: rpc ? { ...network, rpcUrls: [asRpcUrl(rpc.value, rpc.origin)] } : network,
    byDefault: name === undefined,
  }
}

/** Every network known here: built in, the user's own, and a devnet that is up. */
export function knownNetworks(settings: Settings, devnet: DevnetFile | null): NetworkProfile[] {
  const own = Object.keys(settings.customNetworks).map((name) => findNetwork(name, settings, null))
  return [...BUILT_IN_NETWORKS, ...own, ...(devnet ? [devnet.network] : [])]
}

/** @throws AppError `network_unknown`; a devnet need not be up */
export function assertNetworkKnown(name: string, settings: Settings): void {
  const names = [
    ...BUILT_IN_NETWORKS.map((known) => known.name),
    'devnet',
    ...Object.keys(settings.customNetworks),
  ]
  if (names.includes(name)) return
  const near = nearest(names, () => name)
  throw new AppError({
    code: 'network_unknown',
    message: `There is no network "${name}"`,
    hint: near ? `Did you mean "${near}"?` : 'Give its profile to network use, with --profile',
    next: near ? `0g-compute network use ${near}` : '0g-compute network list',
    exitCode: EXIT.usage,
  })
}

function findNetwork(name: string, settings: Settings, devnet: DevnetFile | null): NetworkProfile {
  if (devnet && name === devnet.network.name) return devnet.network
  if (name === 'devnet') throw devnetDown()
  if (Object.hasOwn(settings.customNetworks, name)) return asProfile(name, settings.customNetworks[name])
  return builtInNetwork(name)
}

/**
 * Checks a profile that a user wrote. It is always of kind `custom`: only `devnet up` makes a devnet.
 * @throws AppError `network_malformed`
 */
export function asProfile(name: string, value: unknown): NetworkProfile {
  const profile = value as Partial<NetworkProfile> | null
  const problem = profileProblem(profile)
  if (problem) {
    throw new AppError({
      code: 'network_malformed',
      message: `The profile of network "${name}" is not usable: ${problem}`,
      hint: 'It needs chainId, rpcUrls, ledger, inference and fineTuning; confirmations is 1 unless given',
      exitCode: EXIT.malformed,
    })
  }
  const { chainId, rpcUrls, ledger, inference, fineTuning, confirmations = 1 } = profile as NetworkProfile
  const { deployedAt, statusUrl } = profile as NetworkProfile
  return {
    ...{ name, kind: 'custom', chainId, rpcUrls, ledger, inference, fineTuning, confirmations },
    ...(deployedAt !== undefined && { deployedAt }),
    ...(typeof statusUrl === 'string' && URL.canParse(statusUrl) && { statusUrl }),
  }
}

function profileProblem(profile: Partial<NetworkProfile> | null): string | null {
  if (typeof profile !== 'object' || profile === null) return 'it is no object'
  if (!Number.isSafeInteger(profile.chainId) || profile.chainId! < 1) return 'chainId is no chain id'
  const urls = profile.rpcUrls
  if (!Array.isArray(urls) || urls.length === 0 || !urls.every((url) => URL.canParse(url))) {
    return 'rpcUrls is no list of URLs'
  }
  const contracts = ['ledger', 'inference', 'fineTuning'] as const
  const wrong = contracts.find((contract) => !isAddress(profile[contract]))
  if (wrong) return `${wrong} is no address`
  const { deployedAt = 0 } = profile
  return Number.isSafeInteger(deployedAt) && deployedAt >= 0 ? null : 'deployedAt is no block number'
}

export const devnetDown = (): AppError =>
  new AppError({
    code: 'devnet_down',
    message: 'No devnet is up',
    hint: 'Start one, or choose another network with --network',
    next: '0g-compute devnet up',
  })
