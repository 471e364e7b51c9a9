import { Wallet } from 'ethers'
import { jsonLogger } from '../../src/base/log.ts'
import type { NetworkProfile } from '../../src/chain/networks.ts'
import { connect } from '../../src/chain/rpc.ts'
import { startBroker } from '../../src/provider/broker.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import type { Limits } from '../../src/provider/server/limits/limits.ts'
import { openSimulatedTee } from '../../src/provider/tee/simulated.ts'
import { PRICES } from '../../test/support/world.ts'

/** A broker in a process of its own, so that it can be killed. */
export interface BrokerConfig {
  readonly network: NetworkProfile
  readonly providerKey: string
  readonly teeDir: string
  readonly dataDir: string
  /** PostgreSQL; null for SQLite in the data folder. */
  readonly database: string | null
  readonly leaseMs: number
  readonly port: number
  readonly publicUrl: string
  readonly engineTarget: string
  /** How far this machine's clock is off. */
  readonly clockOffsetMs: number
  readonly settleEveryMs: number
  readonly limits?: Limits
}

/** The answer to `settle`: why something may still be owed, empty where nothing is. */
export interface Settled {
  readonly type: 'settled'
  readonly open: readonly string[]
}

/** What a reorganisation took away before it is replaced so soon. */
const BUMP_AFTER_MS = 2000

const config = JSON.parse(process.argv[2]!) as BrokerConfig
const log = jsonLogger((line) => process.stderr.write(line), 'info')
const rpc = await connect(config.network)
const engine = await attachUrlEngine({ target: config.engineTarget, logger: log })
const broker = await startBroker({
  network: config.network,
  rpc,
  operator: new Wallet(config.providerKey, rpc),
  engine,
  tee: openSimulatedTee({ dir: config.teeDir, network: config.network }),
  listen: { host: '127.0.0.1', port: config.port },
  publicUrl: config.publicUrl,
  dataDir: config.dataDir,
  ...(config.database !== null && { database: config.database, leaseMs: config.leaseMs }),
  prices: PRICES,
  ...(config.limits && { limits: config.limits }),
  settlement: { intervalMs: config.settleEveryMs, bumpAfterMs: BUMP_AFTER_MS, minimumFee: 1n },
  now: () => Date.now() + config.clockOffsetMs,
  log,
})
process.send?.({ type: 'ready' })

process.on('message', async (message) => {
  if (message === 'settle') {
    const { problem, waiting } = await broker.settler.settleNow()
    const open = [...(problem ? [problem.code] : []), ...waiting.map(({ reason }) => reason)]
    process.send?.({ type: 'settled', open } satisfies Settled)
  }
  if (message === 'stop') {
    await broker.stop({ graceMs: 1000 })
    await engine.stop()
    rpc.destroy()
    process.exit(0)
  }
})
