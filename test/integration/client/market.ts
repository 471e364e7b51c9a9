import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { Runtime } from '../../../src/client/runtime.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { PRICES, startWorld, type World } from '../../support/world.ts'
import { approval, clientOf } from './clientOf.ts'
import { type DelayProxy, startDelayProxy } from './delayProxy.ts'

/** Several providers of the same model on one chain, each behind a way that can be made slow. */
export interface Market {
  readonly world: World
  readonly scripted: ScriptedEngine
  readonly brokers: readonly Broker[]
  readonly ways: readonly DelayProxy[]
  /** A new client of a wallet, with money at every provider. @param runtime its surroundings */
  client(index: number, runtime?: Runtime): Promise<Compute>
  stop(): Promise<void>
}

/** @param dearer the price of each provider in hundredths of the first's */
export async function startMarket(dearer: readonly number[]): Promise<Market> {
  const [world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  const engine: Engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  const ways = await Promise.all(dearer.map(() => startDelayProxy()))
  const brokers: Broker[] = []
  for (const [i, percent] of dearer.entries()) {
    const dir = join(world.dir, `provider-${i}`)
    const operator = world.anvil.wallets[i + 1] as HDNodeWallet
    const prices = {
      input: (PRICES.input * BigInt(percent)) / 100n,
      output: (PRICES.output * BigInt(percent)) / 100n,
    }
    const broker = await world.startBroker(engine, {
      operator,
      dataDir: dir,
      prices,
      publicUrl: ways[i]!.url,
    })
    ways[i]!.target = `http://127.0.0.1:${broker.port}`
    brokers.push(broker)
  }
  const open: Compute[] = []
  return {
    world,
    scripted,
    brokers,
    ways,
    async client(index, runtime) {
      const wallet = world.anvil.wallets[index] as HDNodeWallet
      const compute = await clientOf(world, wallet, memoryReceiptStore(), runtime)
      open.push(compute)
      for (const { provider } of brokers) await compute.ensureFunds(provider, ONE_0G, approval().hooks)
      return compute
    },
    async stop() {
      for (const compute of open) await compute.close()
      await world.stop()
      await engine.stop()
      await scripted.stop()
      for (const way of ways) await way.stop()
    },
  }
}
