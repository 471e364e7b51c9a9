import { silentLogger } from '../../src/base/log.ts'
import type { Broker, BrokerOptions } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine, type UrlEngineOptions } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from './scriptedEngine.ts'
import { type Contracts, startWorld, tokenOf, type World } from './world.ts'

export const CHAT = '/v1/proxy/chat/completions'

export interface Answer {
  readonly status: number
  readonly code: string | undefined
  readonly error:
    | { readonly code: string; readonly message: string; readonly details: Record<string, string> }
    | undefined
  readonly text: string
  readonly headers: Headers
}

/** A broker in front of the stand-in engine, with a funded user. */
export interface Bench {
  readonly world: World
  readonly scripted: ScriptedEngine
  readonly engine: Engine
  readonly broker: Broker
  readonly token: string
  chat(change?: object): string
  post(body: string, headers?: Record<string, string>, path?: string): Promise<Answer>
  owed(): Promise<bigint>
  receipts(): Promise<{ readonly receipts: readonly { readonly receipt: { readonly fee: string } }[] }>
  stop(): Promise<void>
}

/**
 * @param contracts those of `startWorld` when not given
 * @param serves what else than text models are for
 */
export async function startBench(
  options: Partial<BrokerOptions> = {},
  contracts?: Contracts,
  serves: UrlEngineOptions['serves'] = {},
): Promise<Bench> {
  const [world, scripted] = await Promise.all([startWorld(contracts), startScriptedEngine()])
  const engine = await attachUrlEngine({ target: scripted.target, serves, logger: silentLogger })
  const broker = await world.startBroker(engine, options)
  await world.fund(world.user)
  const token = await tokenOf(world.user, broker.provider)
  const bearer = { authorization: `Bearer ${token}` }
  return {
    world,
    scripted,
    engine,
    broker,
    token,
    chat: (change = {}) =>
      JSON.stringify({
        model: 'steady',
        messages: [{ role: 'user', content: 'hi' }],
        max_tokens: 4,
        ...change,
      }),
    async post(body, headers = {}, path = CHAT) {
      const response = await fetch(broker.url + path, {
        method: 'POST',
        headers: { ...bearer, ...headers },
        body,
      })
      const text = await response.text()
      const error = text.startsWith('{') ? JSON.parse(text).error : undefined
      return { status: response.status, code: error?.code, error, text, headers: response.headers }
    },
    async owed() {
      const response = await fetch(`${broker.url}/v1/user/${world.user.address}/unsettledfee`, {
        headers: bearer,
      })
      return BigInt((await response.json()).unsettledFee)
    },
    async receipts() {
      const response = await fetch(`${broker.url}/v1/user/${world.user.address}/receipts`, {
        headers: bearer,
      })
      return response.json()
    },
    async stop() {
      scripted.delayMs = 0
      await world.stop()
      await engine.stop()
      await scripted.stop()
    },
  }
}
