import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Address, Hex } from '../../base/hex.ts'
import { isAlive } from '../../base/isAlive.ts'
import type { NetworkProfile } from '../../chain/networks.ts'

export interface DevnetAccount {
  readonly address: Address
  readonly privateKey: Hex
}

/** What a running devnet writes to `devnet.json` in its folder (mode 0600). */
export interface DevnetFile {
  readonly network: NetworkProfile
  readonly accounts: {
    readonly user: DevnetAccount
    readonly provider: DevnetAccount
    readonly deployer: DevnetAccount
  }
  readonly provider: { readonly url: string; readonly pid: number }
  readonly anvil: { readonly pid: number; readonly port: number }
}

export const devnetFilePath = (devnetDir: string): string => join(devnetDir, 'devnet.json')

/** The devnet that is up in this folder, or null. A file left by one that died does not count. */
export function readRunningDevnet(devnetDir: string): DevnetFile | null {
  try {
    const devnet = JSON.parse(readFileSync(devnetFilePath(devnetDir), 'utf8')) as DevnetFile
    return isAlive(devnet.anvil.pid) ? devnet : null
  } catch {
    return null
  }
}
