import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where things are kept. `ZG_HOME` puts all of it into one folder; otherwise the XDG folders are used. */
export interface Paths {
  /** `config.json` and `wallets/`. */
  readonly config: string
  /** Receipts and other state. */
  readonly state: string
  /** The devnet's folder, see `devnetFile.ts`. */
  readonly devnet: string
}

/** @see https://specifications.freedesktop.org/basedir-spec/latest/ */
export function pathsOf(env: Environment): Paths {
  const home = env.ZG_HOME
  const config = home ? resolve(home) : join(baseDir(env, 'XDG_CONFIG_HOME', '.config'), '0g-compute')
  const state = home ? resolve(home) : join(baseDir(env, 'XDG_STATE_HOME', '.local/state'), '0g-compute')
  const devnet = env.ZG_DEVNET_DIR ? resolve(env.ZG_DEVNET_DIR) : join(state, 'devnet')
  return { config, state, devnet }
}

const baseDir = (env: Environment, name: string, fallback: string): string =>
  env[name] || join(env.HOME || homedir(), fallback)
