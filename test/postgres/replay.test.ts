import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { getBytes } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Address, Hex } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createToken, parseToken, tokenHash } from '../../src/protocol/sessionToken.ts'
import { addressOf } from '../../src/protocol/signature.ts'
import { signRequest } from '../../src/protocol/signedRequest.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { CHAT } from '../support/brokerBench.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { startWorld, type World } from '../support/world.ts'

let postgres: Postgres
let world: World
let scripted: ScriptedEngine
let engine: Engine
let replicas: Broker[]
let token: string
const sessionKey = randomBytes(32)

beforeAll(async () => {
  ;[postgres, world, scripted] = await Promise.all([startPostgres(), startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  const database = await postgres.create('replay')
  const start = (name: string) =>
    world.startBroker(engine, { database, dataDir: join(world.dir, name), publicUrl: 'http://127.0.0.1:1' })
  replicas = [await start('one'), await start('two')]
  await world.fund(world.user)
  const { network, user } = world
  const claims = {
    address: user.address as Address,
    provider: replicas[0]!.provider,
    timestamp: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    nonce: randomBytes(16).toString('hex'),
    generation: 0,
    tokenId: 255,
    chainId: network.chainId,
    contract: network.inference,
    sessionKey: addressOf(sessionKey),
  }
  token = await createToken(claims, async (hash) => (await user.signMessage(getBytes(hash))) as Hex)
}, 300_000)

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  await postgres?.stop()
})

/** One signed request, to be sent to either replica. @returns the answer once it has begun */
function request(headers: Readonly<Record<string, string>> = {}) {
  const body = JSON.stringify({
    model: 'steady',
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 300,
  })
  const signature = signRequest(sessionKey, world.network.chainId, world.network.inference, {
    token: tokenHash(parseToken(token)!.message),
    nonce: randomBytes(16).toString('hex'),
    time: Math.floor(Date.now() / 1000),
    head: { method: 'POST', path: CHAT, headers },
    bodyHash: createHash('sha256').update(body).digest('hex'),
  })
  const authorization = `Bearer ${token}`
  return (which: 0 | 1, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${replicas[which]!.port}${CHAT}`, {
      method: 'POST',
      headers: { authorization, ...headers, 'zg-request-signature': signature },
      body,
      ...(signal && { signal }),
    })
}

const codeOf = async (answer: Response): Promise<string> => (await answer.json()).error?.code

it.each([
  [{}, 'request_replayed'],
  [{ 'idempotency-key': 'one' }, 'idempotency_key_running'],
])('a request that one replica runs is not run by another: %o', async (headers, code) => {
  const { length } = scripted.requests
  const ask = request(headers)
  scripted.delayMs = 100
  const first = await ask(0)
  expect(await codeOf(await ask(1))).toBe(code)
  scripted.delayMs = 0
  expect(await first.text()).toContain('[DONE]')
  expect(scripted.requests.length).toBe(length + 1)
})

it('whoever leaves an answer after its first tokens does not get the whole of it elsewhere for them', async () => {
  const { length } = scripted.requests
  const { aborted } = scripted
  const ask = request()
  const client = new AbortController()
  scripted.delayMs = 100
  const first = await ask(0, client.signal)
  await first.body!.getReader().read()
  client.abort()
  await expect.poll(() => scripted.aborted, { timeout: 40_000 }).toBe(aborted + 1)
  scripted.delayMs = 0
  const again = await ask(1)
  expect(again.status).toBe(401)
  expect(await codeOf(again)).toBe('request_replayed')
  expect(scripted.requests.length).toBe(length + 1)
})
