import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { expect } from 'vitest'
import type { BrokerConfig } from '../../scripts/chaos/brokerProcess.ts'
import { Child } from '../../scripts/chaos/child.ts'
import { freePorts } from '../../scripts/chaos/freePorts.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker, BrokerOptions } from '../../src/provider/broker.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import type { Limits } from '../../src/provider/server/limits/limits.ts'
import { CHAT } from '../support/brokerBench.ts'
import { startPostgres } from '../support/postgres.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { startWorld, type World } from '../support/world.ts'
import { CLOCKS_APART_MS } from './replica.ts'

export interface Reply {
  readonly status: number
  readonly code: string | undefined
  readonly details: Record<string, string | null> | undefined
  readonly headers: Headers
}

/** Two brokers on one database: one in this process, one in a process of its own whose clock is 5 s ahead. */
export interface TwoBrokers {
  readonly world: World
  readonly scripted: ScriptedEngine
  readonly here: Broker
  readonly there: Child
  readonly urls: readonly [string, string]
  readonly database: string
  /** A third one in this process. */
  another(options: Partial<BrokerOptions>): Promise<Broker>
  /** Resolves when neither holds anything of limits that they share; not once one was killed that held something. */
  idle(): Promise<void>
  /** Asks the first or the second. */
  ask(which: 0 | 1, token: string, change?: object): Promise<Reply>
  stop(): Promise<void>
}

/** A replica that is silent for so long is dead, ms. */
const LEASE_MS = 10_000

export async function startTwoBrokers(limits: Limits): Promise<TwoBrokers> {
  const postgres = await startPostgres()
  const [world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  const database = await postgres.create('shared')
  const another = (options: Partial<BrokerOptions>) =>
    world.startBroker(engine, { database, leaseMs: LEASE_MS, limits, ...options })
  const here = await another({})
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  const config: BrokerConfig = {
    network: world.network,
    providerKey: (world.provider as HDNodeWallet).privateKey,
    teeDir: world.dir,
    dataDir: join(world.dir, 'there'),
    database,
    leaseMs: LEASE_MS,
    port,
    publicUrl: here.url,
    engineTarget: scripted.target,
    clockOffsetMs: CLOCKS_APART_MS,
    settleEveryMs: 3_600_000,
    limits,
  }
  const there = new Child('brokerProcess.ts', () => JSON.stringify(config))
  await there.start()
  const urls = [here.url, url] as const
  return {
    ...{ world, scripted, here, there, urls, database, another },
    async idle() {
      const held = () => postgres.query(database, 'SELECT * FROM places WHERE running > 0')
      await expect.poll(held, { timeout: 40_000 }).toEqual([])
    },
    async ask(which, token, change = {}) {
      const response = await fetch(urls[which] + CHAT, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({
          model: 'steady',
          messages: [{ role: 'user', content: 'hi' }],
          max_tokens: 4,
          ...change,
        }),
      })
      const text = await response.text()
      const error = text.startsWith('{') ? JSON.parse(text).error : undefined
      return {
        status: response.status,
        code: error?.code,
        details: error?.details,
        headers: response.headers,
      }
    },
    async stop() {
      scripted.delayMs = 0
      there.end()
      await world.stop()
      await engine.stop()
      await scripted.stop()
      await postgres.stop()
    },
  }
}
