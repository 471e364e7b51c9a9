import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { AppError } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { BuyerAccount } from './session.ts'

export interface LocalDevnet {
  readonly network: NetworkProfile
  /** Its user: a thousand 0G that are worth nothing elsewhere. */
  readonly account: BuyerAccount
}

/**
 * The devnet that `0g-compute devnet up` started on this machine: for trying things.
 * @throws AppError `devnet_down`
 */
export async function localDevnet(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<LocalDevnet> {
  const home =
    env.ZG_HOME ?? join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local/state'), '0g-compute')
  const dir = resolve(env.ZG_DEVNET_DIR ?? join(home, 'devnet'))
  const { network, accounts } = read(join(dir, 'devnet.json'))
  const { address, privateKey } = accounts.user
  const { Wallet } = await import('ethers')
  return { network, account: { address, signer: (rpc) => new Wallet(privateKey, rpc) } }
}

interface DevnetFile {
  readonly network: NetworkProfile
  readonly accounts: { readonly user: { readonly address: Address; readonly privateKey: string } }
}

function read(path: string): DevnetFile {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new AppError({
      code: 'devnet_down',
      message: 'No devnet is up on this machine',
      hint: 'Start one; it also writes down where it is',
      next: '0g-compute devnet up',
      cause,
    })
  }
}
