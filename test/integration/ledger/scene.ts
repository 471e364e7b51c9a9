import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { silentLogger } from '../../../src/base/log.ts'
import { receiptFromJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import type { Broker, BrokerOptions } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type Contracts, startWorld, tokenOf, type World } from '../../support/world.ts'

/** A chain, a stand-in engine, and brokers whose ledger lies in one folder. */
export interface Scene {
  readonly world: World
  readonly scripted: ScriptedEngine
  readonly folder: string
  start(options?: Partial<BrokerOptions>): Promise<Broker>
  ask(broker: Broker, wallet?: HDNodeWallet): Promise<SignedReceipt>
  stop(): Promise<void>
}

export async function openScene(contracts: Contracts): Promise<Scene> {
  const [world, scripted]: [World, ScriptedEngine] = await Promise.all([
    startWorld(contracts),
    startScriptedEngine(),
  ])
  const engine: Engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  return {
    world,
    scripted,
    folder: join(world.dir, 'broker'),
    start: (options = {}) => world.startBroker(engine, options),
    async ask({ url, provider }, wallet = world.user) {
      const response = await fetch(`${url}/v1/proxy/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await tokenOf(wallet, provider)}` },
        body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5 }),
      })
      await response.arrayBuffer()
      const header = Buffer.from(response.headers.get('zg-receipt')!, 'base64').toString()
      return receiptFromJson(JSON.parse(header))
    },
    async stop() {
      await world.stop()
      await engine.stop()
      await scripted.stop()
    },
  }
}
