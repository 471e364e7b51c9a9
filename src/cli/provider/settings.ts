import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ProviderConfig } from '../../provider/config/config.ts'
import { loadConfig } from '../../provider/config/load.ts'
import { Context } from '../framework/context.ts'
import type { OptionSpec } from '../framework/definition.ts'
import type { Input } from '../framework/input.ts'

/** What `provider serve` and the commands about it start from. */
export interface ProviderSettings {
  readonly config: ProviderConfig
  /** The configuration file, where there is one. */
  readonly file: string | undefined
  /** The call's context on the network that the configuration names. */
  readonly context: Context
  readonly dataDir: string
  /** `sqlite:<file>` or `postgres://…`. */
  readonly database: string
}

/** Options of every command about a broker on this machine. */
export const SETTINGS_OPTIONS: readonly OptionSpec[] = [
  ['--config <file>', 'configuration file (default: provider.yaml in the configuration folder, if there)'],
  ['--data-dir <dir>', 'where the ledger lives'],
]

/** The file that counts when none is named. */
export const defaultConfigFile = (context: Context): string => join(context.paths.config, 'provider.yaml')

/** @throws AppError `config_invalid`, `config_unreadable` */
export function providerSettings(
  context: Context,
  input: Input,
  flags: ProviderConfig = {},
): ProviderSettings {
  const file = configFile(context, input)
  const dataDirFlag = input.text('dataDir')
  const config = loadConfig({
    file,
    env: context.env,
    flags: { ...flags, ...(dataDirFlag !== undefined && { dataDir: dataDirFlag }) },
  })
  const own = onNetworkOf(config, context)
  const dataDir = config.dataDir ?? standardDataDir(own)
  return {
    config,
    file,
    context: own,
    dataDir,
    database: config.database ?? `sqlite:${join(dataDir, 'ledger.sqlite')}`,
  }
}

function configFile(context: Context, input: Input): string | undefined {
  const named = input.text('config') ?? context.env.ZG_PROVIDER_CONFIG
  // Set to nothing: no file at all, as for a devnet's own provider.
  if (named !== undefined) return named || undefined
  const standard = defaultConfigFile(context)
  return existsSync(standard) ? standard : undefined
}

/** `--network` and `ZG_NETWORK` count before the configuration, and that before the user's default. */
function onNetworkOf({ network }: ProviderConfig, context: Context): Context {
  if (!network || context.flags.network || context.env.ZG_NETWORK) return context
  const own = new Context({ ...context.flags, network }, context.out, context.signal)
  context.onClose(() => own.close())
  return own
}

/** The devnet's own provider lives in the devnet's folder; who names a wallet means a provider of his own. */
function standardDataDir({ network, paths, devnet, flags, env }: Context): string {
  const ofDevnet = join(paths.devnet, 'provider')
  const namesWallet = (flags.wallet ?? env.ZG_WALLET) !== undefined
  const isDevnet = network.kind === 'devnet' && devnet !== null && !namesWallet
  const standard = join(paths.state, 'provider', network.name)
  return isDevnet && !isOfBroker(standard) && existsSync(ofDevnet) ? ofDevnet : standard
}

/** Not one that only `provider check` has written to. */
const isOfBroker = (dataDir: string): boolean =>
  ['ledger.sqlite', 'admin.json'].some((name) => existsSync(join(dataDir, name)))
