import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from './world.ts'

/** Makes the command line take a world for the devnet on this machine. @returns the environment that does so */
export function devnetHome(world: World, providerUrl = ''): Record<string, string> {
  const dir = join(world.dir, 'devnet')
  mkdirSync(dir, { recursive: true })
  const account = ({ address, privateKey }: { address: string; privateKey: string }) => ({
    address,
    privateKey,
  })
  const devnet = {
    network: { ...world.network, name: 'devnet' },
    accounts: {
      user: account(world.user),
      provider: account(world.provider),
      deployer: account(world.anvil.wallets[0]!),
    },
    provider: { url: providerUrl, pid: process.pid },
    anvil: { pid: process.pid, port: 0 },
  }
  writeFileSync(join(dir, 'devnet.json'), JSON.stringify(devnet), { mode: 0o600 })
  return { ZG_DEVNET_DIR: dir, ZG_HOME: world.dir }
}
