import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker, BrokerOptions } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { devnetHome } from './devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from './scriptedEngine.ts'
import { startTamperProxy, type TamperProxy } from './tamperProxy.ts'
import { type Contracts, startWorld, type World } from './world.ts'

/** A world in which somebody sells: a broker in front of an engine that does as it is told. */
export interface Shop {
  readonly world: World
  readonly scripted: ScriptedEngine
  readonly engine: Engine
  readonly broker: Broker
  stop(): Promise<void>
}

export async function openShop(options: Partial<BrokerOptions> = {}, contracts?: Contracts): Promise<Shop> {
  const [world, scripted] = await Promise.all([startWorld(contracts), startScriptedEngine()])
  const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  const broker = await world.startBroker(engine, options)
  return {
    world,
    scripted,
    engine,
    broker,
    async stop() {
      await world.stop()
      await engine.stop()
      await scripted.stop()
    },
  }
}

/** The same behind a host that changes what passes. */
export interface TamperedShop extends Shop {
  readonly host: TamperProxy
  /** Makes the command line find the world. */
  readonly env: Record<string, string>
  /** Writes a file, JSON unless it is a text. @returns its path */
  file(name: string, content: unknown): string
}

export async function openTamperedShop(contracts?: Contracts): Promise<TamperedShop> {
  const host = await startTamperProxy()
  const shop = await openShop({ publicUrl: host.url }, contracts)
  host.target = `http://127.0.0.1:${shop.broker.port}`
  return {
    ...shop,
    host,
    env: devnetHome(shop.world, shop.broker.url),
    file(name, content) {
      const path = join(shop.world.dir, name)
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
    async stop() {
      await shop.stop()
      await host.stop()
    },
  }
}
