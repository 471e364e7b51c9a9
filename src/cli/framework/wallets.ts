import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { nearest } from './route.ts'

/** A keystore on disk, still locked. */
export interface StoredWallet {
  readonly name: string
  readonly path: string
  readonly address: Address
  readonly json: string
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/

/** Encrypted keystores, one Web3 v3 file each, in the folder `wallets`. */
export class Wallets {
  readonly #dir: string

  constructor(configDir: string) {
    this.#dir = join(configDir, 'wallets')
  }

  names(): string[] {
    if (!existsSync(this.#dir)) return []
    return readdirSync(this.#dir)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -5))
      .sort()
  }

  /**
   * @param instead the command that helps where there is no such wallet, but one that may be meant
   * @throws AppError `wallet_unknown`, `keystore_malformed`
   */
  read(name: string, instead = (known: string) => `0g-compute wallet show --wallet ${known}`): StoredWallet {
    const path = this.#path(name)
    if (!existsSync(path)) throw walletUnknown(name, this.names(), instead)
    const json = readFileSync(path, 'utf8')
    return { name, path, address: addressIn(json, path), json }
  }

  /** Encrypts a key and keeps it, readable by its owner alone. @throws AppError `wallet_exists` */
  async add(name: string, privateKey: Hex, password: string): Promise<StoredWallet> {
    const path = this.#path(name)
    if (existsSync(path)) throw walletExists(name)
    const { encryptKey } = await import('./keystore.ts')
    const json = await encryptKey(privateKey, password)
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    chmodSync(this.#dir, 0o700)
    writeFileSync(path, json, { mode: 0o600, flag: 'wx' })
    return { name, path, address: addressIn(json, path), json }
  }

  /** @throws AppError `wallet_name_invalid`, `wallet_exists` */
  assertFree(name: string): void {
    if (existsSync(this.#path(name))) throw walletExists(name)
  }

  /** Socket of the process that holds its key while it is unlocked. */
  agentPath(name: string): string {
    return this.#path(name).replace(/json$/, 'agent')
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw nameInvalid(name)
    return join(this.#dir, `${name}.json`)
  }
}

function addressIn(json: string, path: string): Address {
  try {
    const { address } = JSON.parse(json) as { address?: unknown }
    const digits = typeof address === 'string' ? address.replace(/^0x/i, '') : ''
    if (/^[0-9a-fA-F]{40}$/.test(digits)) return `0x${digits.toLowerCase()}`
  } catch {
    // answered below
  }
  throw new AppError({
    code: 'keystore_malformed',
    message: `${path} is no Web3 keystore`,
    hint: 'Put the file back from a copy, or import the key again under another name',
    next: '0g-compute wallet import',
    exitCode: EXIT.malformed,
  })
}

function walletUnknown(name: string, names: readonly string[], instead: (known: string) => string): AppError {
  const [first] = names
  const near = nearest(names, () => name)
  const wallets = first === undefined ? 'There is no wallet yet' : `Wallets: ${names.join(', ')}`
  return new AppError({
    code: 'wallet_unknown',
    message: `There is no wallet "${name}"`,
    hint: near ? `Did you mean "${near}"? ${wallets}` : wallets,
    next: first === undefined ? `0g-compute wallet new --name ${name}` : instead(near ?? first),
    exitCode: EXIT.noKey,
  })
}

const walletExists = (name: string): AppError =>
  new AppError({
    code: 'wallet_exists',
    message: `There is a wallet "${name}" already`,
    hint: 'It was left as it is. Choose another name with --name',
    exitCode: EXIT.usage,
  })

const nameInvalid = (name: string): AppError =>
  new AppError({
    code: 'wallet_name_invalid',
    message: `"${name}" cannot be the name of a wallet`,
    hint: 'Letters, digits, dot, dash and underscore',
    exitCode: EXIT.usage,
  })
