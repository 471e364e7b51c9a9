import { rmSync } from 'node:fs'
import { type DevnetFile, devnetFilePath, readRunningDevnet } from '../framework/devnetFile.ts'
import { isChainUp } from './chain.ts'
import { endProcess } from './processes.ts'

/** Time for the provider to end its answers and settle, ms. */
const PROVIDER_GRACE_MS = 40_000

/** Stops a devnet: the provider settles first. @returns what was stopped, null when nothing was up */
export async function devnetDown(dir: string): Promise<DevnetFile | null> {
  const found = readRunningDevnet(dir)
  const devnet = found && (await isChainUp(found)) ? found : null
  if (devnet) {
    await endProcess(devnet.provider.pid, PROVIDER_GRACE_MS)
    // The chain keeps nothing that is worth waiting for.
    await endProcess(devnet.anvil.pid, 0)
  }
  rmSync(devnetFilePath(dir), { force: true })
  return devnet
}
