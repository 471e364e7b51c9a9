import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { silentLogger } from '../../src/base/log.ts'
import { ONE_0G } from '../../src/base/units.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { IMAGES, type MediaStandIn, SERVES, SPEECH, startMediaStandIn, TEXT } from './engines/mediaStandIn.ts'
import { startWorld, type World } from './world.ts'

export const IMAGE_PRICE = ONE_0G / 100n
export const SECOND_PRICE = ONE_0G / 1000n

/** Three providers on one chain, each of one service type, in front of a stand-in. */
export interface MediaMarket {
  readonly world: World
  readonly standIn: MediaStandIn
  readonly text: Broker
  readonly images: Broker
  readonly speech: Broker
  stop(): Promise<void>
}

export async function startMediaMarket(): Promise<MediaMarket> {
  const [world, standIn] = await Promise.all([startWorld(), startMediaStandIn()])
  const engines: Engine[] = []
  const start = async (
    index: number,
    models: readonly string[],
    price: { image?: bigint; second?: bigint } | null,
  ) => {
    const engine = await attachUrlEngine({
      target: standIn.target,
      models,
      serves: SERVES,
      logger: silentLogger,
    })
    engines.push(engine)
    const tokens = { input: 10n ** 9n, output: 4n * 10n ** 9n }
    const media = price && Object.fromEntries(models.map((id) => [id, { input: 0n, output: 0n, ...price }]))
    return world.startBroker(engine, {
      operator: world.anvil.wallets[index] as HDNodeWallet,
      dataDir: join(world.dir, `provider-${index}`),
      prices: media ? { ...tokens, models: media } : tokens,
    })
  }
  const text = await start(1, TEXT, null)
  const images = await start(3, IMAGES, { image: IMAGE_PRICE })
  const speech = await start(4, SPEECH, { second: SECOND_PRICE })
  return {
    world,
    standIn,
    text,
    images,
    speech,
    async stop() {
      await world.stop()
      for (const engine of engines) await engine.stop()
      await standIn.stop()
    },
  }
}
