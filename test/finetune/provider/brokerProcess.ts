/** A broker that fine-tunes in a process of its own, which ends itself with SIGKILL at given states, once at each. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { silentLogger } from '../../../src/base/log.ts'
import type { NetworkProfile } from '../../../src/chain/networks.ts'
import { connect } from '../../../src/chain/rpc.ts'
import { startBroker } from '../../../src/provider/broker.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { openSimulatedTee } from '../../../src/provider/tee/simulated.ts'
import { PRICES, type World } from '../../support/world.ts'
import { fineTuningOptions } from './taskClient.ts'

export interface BrokerProcessSettings {
  readonly network: NetworkProfile
  readonly dir: string
  readonly privateKey: string
  readonly target: string
  readonly port: number
  /** States at which it dies. */
  readonly dieAt: readonly string[]
}

const { network, dir, privateKey, target, port, dieAt } = JSON.parse(
  process.argv[2]!,
) as BrokerProcessSettings
const deaths = join(dir, 'deaths')

const dieOnce = (_id: string, state: string): void => {
  const died = existsSync(deaths) ? readFileSync(deaths, 'utf8').split('\n') : []
  if (!dieAt.includes(state) || died.includes(state)) return
  appendFileSync(deaths, `${state}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const rpc = await connect(network)
const broker = await startBroker({
  network,
  rpc,
  operator: new Wallet(privateKey, rpc),
  engine: await attachUrlEngine({ target, logger: silentLogger }),
  tee: openSimulatedTee({ dir, network }),
  listen: { host: '127.0.0.1', port },
  dataDir: join(dir, 'broker'),
  prices: PRICES,
  settlement: { intervalMs: 3_600_000, minimumFee: 0n },
  fineTuning: fineTuningOptions({ dir } as World, { onState: dieOnce }),
  log: silentLogger,
})
process.send?.({ url: broker.url })
process.once('disconnect', () => process.exit(0))
