import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, type Hex, hexToBytes } from '../../base/hex.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import { addressOf } from '../../protocol/signature.ts'
import type { DevnetFile } from './devnetFile.ts'
import { asPrivateKey } from './privateKey.ts'
import { askSecret, canAsk, needsTerminal } from './prompt.ts'
import { readSecretFile } from './secretFile.ts'
import type { Settings } from './settings.ts'
import type { Wallets } from './wallets.ts'

/** Whose money it is, and how to get at the key. The key is asked for when it is needed, not before. */
export interface FoundKey {
  readonly address: Address
  /** Its name, where it is a wallet that is kept here. */
  readonly wallet?: string
  /** Where the key is, for people. */
  readonly origin: string
  readonly unlock: () => Promise<Hex>
}

export interface KeySources {
  readonly settings: Settings
  readonly wallets: Wallets
  readonly network: NetworkProfile
  readonly devnet: DevnetFile | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly warn: (text: string) => void
}

/** Name of the wallet that is the devnet's user account. */
export const DEVNET_WALLET = 'devnet'

/**
 * Finds the key: `--wallet`, then `ZG_PRIVATE_KEY`, `ZG_PRIVATE_KEY_FILE`, `ZG_WALLET`, then on a devnet its user
 * account, then the wallet in use, then the only one there is. Never from argv.
 * @throws AppError `no_key` (exit 4) when there is none
 */
export function findKey(sources: KeySources): FoundKey {
  const { settings, env, network, devnet, wallets } = sources
  const named = settings.find('wallet')
  if (named?.origin === '--wallet') return keyNamed(named.value, sources)
  if (env.ZG_PRIVATE_KEY) return plainKey(env.ZG_PRIVATE_KEY, 'ZG_PRIVATE_KEY')
  const file = env.ZG_PRIVATE_KEY_FILE
  if (file) return plainKey(readSecretFile(file, sources.warn), file)
  if (named?.origin === 'ZG_WALLET') return keyNamed(named.value, sources)
  if (devnet && network.kind === 'devnet') return devnetKey(devnet)
  const name = named?.value ?? onlyOne(wallets.names())
  if (name !== undefined) return keyNamed(name, sources)
  throw noKey(wallets.names())
}

function keyNamed(name: string, { wallets, devnet, env, warn }: KeySources): FoundKey {
  if (name === DEVNET_WALLET && devnet) return devnetKey(devnet)
  const { address, json } = wallets.read(name)
  const unlock = async () => {
    const { askAgent } = await import('../wallet/agent.ts')
    const held = await askAgent(wallets.agentPath(name), address)
    if (held) return held
    const { decryptKey } = await import('./keystore.ts')
    return decryptKey(json, await password(env, warn, `Password of wallet "${name}"`))
  }
  return { address, wallet: name, origin: `wallet "${name}"`, unlock }
}

function plainKey(text: string, origin: string): FoundKey {
  const key = asPrivateKey(text)
  return { address: addressOf(hexToBytes(key)), origin, unlock: async () => key }
}

const devnetKey = ({ accounts }: DevnetFile): FoundKey => ({
  address: accounts.user.address,
  origin: "the devnet's user account",
  unlock: async () => accounts.user.privateKey,
})

/** The password of a keystore: `ZG_PASSWORD`, `ZG_PASSWORD_FILE`, or a person. */
export async function password(
  env: KeySources['env'],
  warn: (text: string) => void,
  question: string,
): Promise<string> {
  if (env.ZG_PASSWORD !== undefined) return env.ZG_PASSWORD
  if (env.ZG_PASSWORD_FILE) return readSecretFile(env.ZG_PASSWORD_FILE, warn)
  if (canAsk()) return askSecret(question)
  throw needsTerminal(
    'The wallet needs its password',
    'Set ZG_PASSWORD_FILE or ZG_PASSWORD, or unlock it before: 0g-compute wallet unlock',
  )
}

const onlyOne = (names: readonly string[]): string | undefined => (names.length === 1 ? names[0] : undefined)

const noKey = (names: readonly string[]): AppError =>
  new AppError({
    code: 'no_key',
    message: names.length > 0 ? 'No wallet is chosen' : 'There is no wallet yet',
    hint:
      names.length > 0
        ? `Choose one of: ${names.join(', ')}`
        : 'Make one, or set ZG_PRIVATE_KEY_FILE to the file that holds a key',
    next: names.length > 0 ? `0g-compute wallet use ${names[0]}` : '0g-compute wallet new',
    exitCode: EXIT.noKey,
  })
