import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import OpenAI from 'openai'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { ProxyServer } from '../../../src/client/proxy/proxyServer.ts'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'
import { approval, clientOf } from '../../integration/client/clientOf.ts'
import { startDemo } from '../../integration/engine/fixtures/engines.ts'
import { PRICES, startWorld, tokenOf } from '../../support/world.ts'
import { SERVES, startConformanceEngine } from './conformanceEngine.ts'

/** An OpenAI-compatible endpoint of ours, and keys for it. */
export interface Endpoint {
  readonly baseURL: string
  readonly key: string
}

/** What the rows ask. `demo` has the demo model, `assistant` the engine that calls tools and thinks. */
export interface Scene {
  readonly demo: Endpoint
  readonly assistant: Endpoint
  /** Keys of a user who may ask once a minute, of one without money, and of nobody. */
  readonly keys: { readonly limited?: string; readonly poor?: string; readonly wrong: string }
  stop(): Promise<void>
}

/** Two brokers, and a user's keys for them. */
export async function openBrokers(): Promise<Scene> {
  const { world, demo, assistant, stop } = await openMarket()
  const [limited, poor] = [world.anvil.wallets[4], world.anvil.wallets[5]] as HDNodeWallet[]
  const keyOf = (wallet: HDNodeWallet, provider: string) => tokenOf(wallet, provider)
  return {
    demo: { baseURL: `${demo.url}/v1/proxy`, key: await keyOf(world.user, demo.provider) },
    assistant: { baseURL: `${assistant.url}/v1/proxy`, key: await keyOf(world.user, assistant.provider) },
    keys: {
      limited: await keyOf(limited!, demo.provider),
      poor: await keyOf(poor!, demo.provider),
      wrong: await keyOf(world.user, assistant.provider),
    },
    stop,
  }
}

/** The local proxy in front of both. */
export async function openProxy(): Promise<Scene> {
  const { world, stop } = await openMarket()
  const compute = await clientOf(world, world.anvil.wallets[3] as HDNodeWallet)
  await compute.deposit(5n * ONE_0G, approval().hooks)
  const proxy = new ProxyServer(compute, {
    host: '127.0.0.1',
    port: 0,
    token: 'zg-interop',
    spending: new SpendBook(join(world.dir, 'spent.json'), null),
    hooks: approval().hooks,
  })
  const endpoint = { baseURL: await proxy.listen(), key: 'zg-interop' }
  return {
    demo: endpoint,
    assistant: endpoint,
    keys: { wrong: 'zg-wrong' },
    async stop() {
      await proxy.close(0)
      await compute.close()
      await stop()
    },
  }
}

const FREE = { input: 0n, output: 0n }
/** By the image, and by the second of audio. */
const MEDIA_PRICES = {
  painter: { ...FREE, image: ONE_0G / 1000n },
  listener: { ...FREE, second: ONE_0G / 1000n },
}

async function openMarket() {
  const [world, demoEngine, conformance] = await Promise.all([
    startWorld(),
    startDemo(),
    startConformanceEngine(),
  ])
  const engine = await attachUrlEngine({ target: conformance.target, serves: SERVES, logger: silentLogger })
  const [, , , , limited, , , , seller] = world.anvil.wallets as HDNodeWallet[]
  const demo = await world.startBroker(demoEngine, {
    limits: { ...DEFAULT_LIMITS, users: { [limited!.address.toLowerCase()]: { requestsPerMinute: 1 } } },
  })
  const assistant = await world.startBroker(engine, {
    operator: seller!,
    dataDir: join(world.dir, 'assistant'),
    prices: { ...PRICES, models: MEDIA_PRICES },
  })
  for (const { provider } of [demo, assistant]) await fundAt(await clientOf(world, world.user), provider)
  await fundAt(await clientOf(world, limited!), demo.provider)
  return {
    world,
    demo,
    assistant,
    async stop() {
      await world.stop()
      await Promise.all([demoEngine.stop(), engine.stop(), conformance.stop()])
    },
  }
}

async function fundAt(compute: Awaited<ReturnType<typeof clientOf>>, provider: `0x${string}`): Promise<void> {
  await compute.ensureFunds(provider, ONE_0G, approval().hooks)
  await compute.close()
}

export const clientFor = ({ baseURL, key }: Endpoint, apiKey = key): OpenAI =>
  new OpenAI({ baseURL, apiKey, maxRetries: 0 })
