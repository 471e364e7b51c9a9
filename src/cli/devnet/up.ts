import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../../base/isAlive.ts'
import { type DevnetFile, devnetFilePath, readRunningDevnet } from '../framework/devnetFile.ts'
import { isChainUp, startChain } from './chain.ts'
import { claimPort } from './ports.ts'
import { endProcess } from './processes.ts'
import { startProvider } from './provider.ts'

export interface DevnetUpOptions {
  readonly dir: string
  /** Port of the chain, 0 for any. */
  readonly port: number
  readonly providerPort: number
  /** GGUF of the provider's model; default the demo model. */
  readonly model?: string
  /** Whether the provider trains too. */
  readonly finetune?: boolean
  /** Between settlements, seconds. */
  readonly settleSeconds: number
  readonly onStep?: (title: string) => void
}

export interface DevnetUpResult {
  readonly devnet: DevnetFile
  readonly alreadyUp: boolean
}

/** A devnet's orders may be short, so that their ends can be watched. Seconds. */
const DEVNET_WINDOWS = {
  ZG_PROVIDER_FINETUNE_WINDOWS_TRAIN: '10',
  ZG_PROVIDER_FINETUNE_WINDOWS_ACKNOWLEDGE: '5',
  ZG_PROVIDER_FINETUNE_WINDOWS_REVEAL: '5',
}

/** Starts a devnet, or finds the one that is up. One whose provider died gets a provider again. */
export async function devnetUp(options: DevnetUpOptions): Promise<DevnetUpResult> {
  const { dir, onStep = () => {} } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const found = readRunningDevnet(dir)
  const running = found && (await isChainUp(found)) ? found : null
  if (running && isAlive(running.provider.pid)) return { devnet: running, alreadyUp: true }
  const [port, providerPort] = await choosePorts(options, running)
  if (!running) rmSync(join(dir, 'provider'), { recursive: true, force: true })
  onStep('Starting the chain and deploying the contracts')
  const chain = running ?? (await startChain(dir, port))
  try {
    write(dir, { ...chain, provider: { url: '', pid: 0 } })
    onStep('Starting the provider')
    const { url, pid } = await startProvider({
      dir,
      args: [
        ...['--network', 'devnet', '--port', String(providerPort), '--data-dir', join(dir, 'provider')],
        ...['--settle-interval', String(options.settleSeconds), '--settle-min', '0'],
        ...(options.model ? ['--model', options.model] : []),
        ...(options.finetune ? ['--finetune'] : []),
      ],
      env: {
        ZG_DEVNET_DIR: dir,
        ZG_NETWORK: 'devnet',
        ZG_PROVIDER_CONFIG: '',
        ...(options.finetune && DEVNET_WINDOWS),
        ZG_PRIVATE_KEY: chain.accounts.provider.privateKey,
      },
    })
    const devnet = { ...chain, provider: { url, pid } }
    write(dir, devnet)
    return { devnet, alreadyUp: false }
  } catch (error) {
    if (!running) {
      await endProcess(chain.anvil.pid, 0)
      rmSync(devnetFilePath(dir), { force: true })
    }
    throw error
  }
}

async function choosePorts(options: DevnetUpOptions, running: DevnetFile | null): Promise<[number, number]> {
  const port = running ? running.anvil.port : await claimPort(options.port, 'chain')
  return [port, await claimPort(options.providerPort, 'provider')]
}

/** Holds keys of accounts that are worth nothing anywhere else; still for the owner alone. */
function write(dir: string, devnet: DevnetFile): void {
  writeFileSync(devnetFilePath(dir), `${JSON.stringify(devnet, null, 2)}\n`, { mode: 0o600 })
}
