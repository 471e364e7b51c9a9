import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ZGComputeNetworkBroker } from '@0gfoundation/0g-compute-ts-sdk'

type TheirEthers = typeof import('ethers', { with: { 'resolution-mode': 'require' }})

export const PACKAGE = '@0gfoundation/0g-compute-ts-sdk'

const require = createRequire(import.meta.url)
const published = require(PACKAGE) as typeof import('@0gfoundation/0g-compute-ts-sdk')
/** Its own ethers, as CommonJS: it asks `instanceof Wallet`. */
const { JsonRpcProvider, Wallet } = require('ethers') as TheirEthers
const FOLDER = join(dirname(require.resolve(PACKAGE)), '..')

/** The published library with a wallet. @param url of the chain */
export async function openLibrary(url: string, privateKey: string): Promise<TheirLibrary> {
  const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 50 })
  const broker = await published.createZGComputeNetworkBroker(new Wallet(privateKey, provider))
  return Object.assign(broker, { close: () => provider.destroy() })
}

export type TheirLibrary = ZGComputeNetworkBroker & { close(): void }

/** The published library without a wallet. */
export const openReadOnly = (url: string) => published.createZGComputeNetworkReadOnlyBroker(url)

export interface CliResult {
  readonly code: number
  readonly output: string
}

/** The published command line, with a home of its own. */
export interface TheirCli {
  run(...args: string[]): Promise<CliResult>
  /** Starts a command that goes on until it is stopped. */
  serve(...args: string[]): { stop(): Promise<void> }
}

/** @param home an empty folder; its configuration is written there as `login` and `setup-network` do */
export function openCli(home: string, url: string, privateKey: string): TheirCli {
  const config = { rpcEndpoint: url, network: 'custom', privateKey }
  mkdirSync(join(home, '.0g-compute-cli'), { recursive: true })
  writeFileSync(join(home, '.0g-compute-cli/config.json'), JSON.stringify(config))
  const program = join(FOLDER, 'cli.commonjs/cli/index.js')
  const start = (args: readonly string[]) => {
    skipUpdateCheck(home)
    const env = { HOME: home, PATH: process.env.PATH, NO_COLOR: '1', FORCE_COLOR: '0' }
    return spawn(process.execPath, [program, ...args], { env, cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
  }
  return {
    run: (...args) =>
      new Promise((resolve, reject) => {
        const child = start(args)
        let output = ''
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (chunk) => {
            output += chunk
          })
        child.once('error', reject)
        child.once('close', (code) => resolve({ code: code ?? 1, output }))
      }),
    serve(...args) {
      const child = start(args)
      child.stdout.resume()
      child.stderr.resume()
      const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
      return {
        async stop() {
          if (child.exitCode === null) child.kill('SIGKILL')
          await gone
        },
      }
    },
  }
}

/** It waits up to two seconds for a registry before each command, unless it finds that it has just asked. */
function skipUpdateCheck(home: string): void {
  const { version } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8'))
  const folder = join(home, '.config/configstore', dirname(`update-notifier-${PACKAGE}`))
  mkdirSync(folder, { recursive: true })
  const update = { latest: version, current: version, type: 'latest', name: PACKAGE }
  writeFileSync(
    join(home, '.config/configstore', `update-notifier-${PACKAGE}.json`),
    JSON.stringify({ optOut: false, lastUpdateCheck: Date.now(), update }),
  )
}
