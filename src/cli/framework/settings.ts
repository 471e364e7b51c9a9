import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Environment } from './paths.ts'

/** What can be set. A project file, which may come with a stranger's repository, sets only what is harmless. */
export const SETTINGS = {
  network: { env: 'ZG_NETWORK', project: true, description: 'mainnet, testnet, devnet or one of your own' },
  rpc: { env: 'ZG_RPC', project: false, description: 'RPC URL instead of the one of the network' },
  wallet: { env: 'ZG_WALLET', project: false, description: 'name of the wallet' },
  model: { env: 'ZG_MODEL', project: true, description: 'model to ask' },
  provider: { env: 'ZG_PROVIDER', project: true, description: 'address of the provider to ask' },
  'max-cost': { env: 'ZG_MAX_COST', project: true, description: 'most that one answer may cost, in 0G' },
  'usd-rate': { env: 'ZG_USD_RATE', project: false, description: 'US dollars for 1 0G, to compare prices' },
  policy: { env: 'ZG_POLICY', project: false, description: 'verification policy, path of a JSON file' },
  accept: { env: 'ZG_ACCEPT', project: false, description: 'incomplete: exit 0 also for such verdicts' },
} as const

/** What a profile of a network may settle for that network alone. */
const OF_NETWORK: ReadonlySet<string> = new Set(['policy', 'accept'])

export type SettingName = keyof typeof SETTINGS
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

export interface Setting {
  readonly value: string
  /** Where the value comes from, for people. */
  readonly origin: string
}

/** What `config.json` holds beside the settings. */
export interface UserConfig {
  readonly [name: string]: unknown
  /** Networks of the user's own, by name. */
  readonly networks?: Readonly<Record<string, unknown>>
}

export const PROJECT_FILE = '.0g-compute.json'

/** Settings by precedence: flag, environment, project file, user configuration. */
export class Settings {
  readonly #flags: Readonly<Partial<Record<string, string | undefined>>>
  readonly #env: Environment
  readonly #project: { readonly path: string; readonly values: UserConfig } | null
  readonly #configPath: string
  readonly #config: UserConfig

  constructor(
    flags: Readonly<Partial<Record<SettingName, string | undefined>>>,
    env: Environment,
    configDir: string,
    workingDir: string,
  ) {
    this.#flags = flags
    this.#env = env
    this.#configPath = join(configDir, 'config.json')
    this.#config = readJsonObject(this.#configPath) ?? {}
    this.#project = findProjectFile(workingDir)
  }

  find(name: SettingName): Setting | null {
    const { env, project } = SETTINGS[name]
    const fromFile = (values: UserConfig | undefined) => {
      const value = values?.[name]
      return typeof value === 'string' && value !== '' ? value : undefined
    }
    const candidates: readonly (readonly [string | undefined, string])[] = [
      [this.#flags[name], `--${name}`],
      [this.#env[env] || undefined, env],
      [project ? fromFile(this.#project?.values) : undefined, this.#project?.path ?? ''],
      [OF_NETWORK.has(name) ? fromFile(this.#ownNetwork()) : undefined, `network in ${this.#configPath}`],
      [fromFile(this.#config), this.#configPath],
    ]
    const found = candidates.find(([value]) => value !== undefined)
    return found ? { value: found[0]!, origin: found[1] } : null
  }

  get(name: SettingName): string | undefined {
    return this.find(name)?.value
  }

  get customNetworks(): Readonly<Record<string, unknown>> {
    return this.#config.networks ?? {}
  }

  /** The user's own profile of the network in use. */
  #ownNetwork(): UserConfig | undefined {
    const name = this.get('network')
    const profile = name === undefined ? undefined : this.customNetworks[name]
    return typeof profile === 'object' && profile !== null ? (profile as UserConfig) : undefined
  }

  /** Writes to the user configuration; `undefined` removes. */
  save(changes: Readonly<Record<string, unknown>>): void {
    mkdirSync(dirname(this.#configPath), { recursive: true, mode: 0o700 })
    const temporary = `${this.#configPath}.${process.pid}`
    writeFileSync(temporary, `${JSON.stringify({ ...this.#config, ...changes }, null, 2)}\n`, { mode: 0o600 })
    renameSync(temporary, this.#configPath)
  }
}

/** @throws AppError `setting_unknown` */
export function asSettingName(name: string): SettingName {
  if (Object.hasOwn(SETTINGS, name)) return name as SettingName
  throw new AppError({
    code: 'setting_unknown',
    message: `There is no setting "${name}"`,
    hint: `Settings: ${SETTING_NAMES.join(', ')}`,
    next: '0g-compute config list',
    exitCode: EXIT.usage,
  })
}

function findProjectFile(from: string): { path: string; values: UserConfig } | null {
  for (let dir = from; ; dir = dirname(dir)) {
    const path = join(dir, PROJECT_FILE)
    const values = readJsonObject(path)
    if (values) return { path, values }
    if (dirname(dir) === dir) return null
  }
}

function readJsonObject(path: string): UserConfig | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as UserConfig
  } catch {
    // answered below, like JSON that is no object
  }
  throw new AppError({
    code: 'config_malformed',
    message: `${path} is not a JSON object`,
    hint: 'Mend the file or remove it',
    exitCode: EXIT.malformed,
  })
}
